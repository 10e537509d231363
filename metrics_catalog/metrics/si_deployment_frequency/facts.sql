-- One row per production deployment and service, and one per service and month with the working weeks in it,
-- from the month on in which the first deployment of any service is known.
WITH weeks AS (
    SELECT reporting_month(start_utc) AS month_start, count(*) / 5 AS weeks
    FROM core.working_clock
    WHERE person_id = '*' AND start_utc <= $as_of_utc
    GROUP BY month_start
),

deployed AS (
    SELECT subject_id, min(finished_at_utc) AS first_utc
    FROM core.production_deployments
    WHERE subject_kind = 'service'
    GROUP BY subject_id
),

watched AS (
    SELECT DISTINCT deployed.subject_id, months.month_start, months.start_utc, months.end_utc
    FROM deployed
    JOIN core.service_scopes AS scopes
        ON scopes.subject_kind = 'service' AND scopes.subject_id = deployed.subject_id
    JOIN core.months AS months
        ON months.end_utc > greatest(scopes.from_utc, (SELECT min(first_utc) FROM deployed))
        AND months.start_utc < scopes.to_utc
)

SELECT
    'service' AS subject_kind,
    subject_id,
    deployment_id || '/finished' AS case_id,
    ref,
    NULL AS contributor_id,
    source_url,
    finished_at_utc AS anchor_at_utc,
    'deployed' AS outcome,
    kind AS why,
    NULL AS amount,
    NULL AS exposure
FROM core.production_deployments
WHERE subject_kind = 'service'
UNION ALL
SELECT
    'service',
    watched.subject_id,
    watched.subject_id || '/weeks/' || watched.month_start,
    watched.subject_id,
    NULL,
    NULL,
    watched.start_utc,
    'watched',
    'watched',
    NULL,
    weeks.weeks
FROM watched
JOIN weeks ON weeks.month_start = watched.month_start
