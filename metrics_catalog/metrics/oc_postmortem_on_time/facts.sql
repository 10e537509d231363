-- One row per resolved incident that was major, for the team that owned its service then.
-- Working time is whole days of the organisation's clock: five of them are 120 hours, clock changes aside.
WITH published AS (
    SELECT incident_id, min(published_at_utc) AS published_at_utc, arg_min(ref, published_at_utc) AS ref
    FROM core.postmortems
    GROUP BY incident_id
),

resolved AS (
    SELECT
        incidents.*,
        published.published_at_utc,
        published.ref AS document,
        services.team_id,
        coalesce(published.published_at_utc, $as_of_utc) AS reached_at_utc
    FROM core.incidents AS incidents
    JOIN core.services AS services
        ON services.service_id = incidents.service_id
        AND incidents.resolved_at_utc >= coalesce(services.valid_from_utc, TIMESTAMP '0001-01-01')
        AND incidents.resolved_at_utc < coalesce(services.valid_to_utc, TIMESTAMP '9999-12-31')
    LEFT JOIN published ON published.incident_id = incidents.incident_id
    WHERE incidents.resolved_at_utc IS NOT NULL
        AND incidents.is_major
        AND services.team_id IS NOT NULL
),

worked AS (
    SELECT
        resolved.*,
        worked_us(starts, resolved.resolved_at_utc) AS start_us
    FROM resolved
    LEFT JOIN core.working_stretches AS starts ON tells(starts, '*', resolved.resolved_at_utc)
),

measured AS (
    SELECT
        worked.*,
        greatest(worked_us(ends, worked.reached_at_utc) - worked.start_us, 0) AS taken_us
    FROM worked
    LEFT JOIN core.working_stretches AS ends ON tells(ends, '*', worked.reached_at_utc)
)

SELECT
    'team' AS subject_kind,
    team_id AS subject_id,
    incident_id || '/postmortem' AS case_id,
    CASE WHEN document IS NULL THEN ref ELSE ref || ' ' || document END AS ref,
    NULL AS contributor_id,
    source_url,
    resolved_at_utc AS anchor_at_utc,
    CASE
        WHEN merged_into IS NOT NULL THEN 'excluded'
        WHEN taken_us > $due_working_days * 86400000000 THEN 'missed'
        WHEN published_at_utc IS NULL THEN 'pending'
        ELSE 'in_time'
    END AS outcome,
    CASE
        WHEN merged_into IS NOT NULL THEN 'merged'
        WHEN published_at_utc IS NOT NULL AND taken_us > $due_working_days * 86400000000 THEN 'published_late'
        WHEN published_at_utc IS NOT NULL THEN 'published'
        WHEN taken_us > $due_working_days * 86400000000 THEN 'not_published'
        ELSE 'open'
    END AS why,
    taken_us / 3600000000 AS amount,
    NULL AS exposure
FROM measured
