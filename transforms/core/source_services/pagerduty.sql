-- One row per service of PagerDuty that no services file lists, by its name there or its id.
SELECT services.service_id, services.name
FROM landing.pagerduty__services AS services
WHERE NOT EXISTS (
    FROM core.services AS catalogue
    WHERE lower(catalogue.service_id) = lower(services.name)
        OR split_part(services.service_id, '/', -1) = catalogue.pagerduty_service_id
)
