-- One row per service and stretch, with its dates as instants of the reporting zone.
SELECT
    services.service_id,
    services.tier,
    services.team_id,
    services.repository,
    services.label,
    services.pagerduty_service_id,
    starts.start_utc AS valid_from_utc,
    ends.start_utc AS valid_to_utc
FROM landing.organization__services AS services
LEFT JOIN reporting_days AS starts ON starts.local_date = services.valid_from
LEFT JOIN reporting_days AS ends ON ends.local_date = services.valid_to
