-- One row per person and incident that notified them: counted at the first notification received on call,
-- excluded where none was. And one per piece of on-call time, which brings the exposure.
WITH RECURSIVE targets AS (
    SELECT incident_id, merged_into AS target_id, 1 AS steps
    FROM core.incidents
    WHERE merged_into IS NOT NULL
    UNION ALL
    SELECT targets.incident_id, incidents.merged_into, targets.steps + 1
    FROM targets
    JOIN core.incidents AS incidents ON incidents.incident_id = targets.target_id
    WHERE incidents.merged_into IS NOT NULL AND targets.steps < 20
),

-- A merged incident is dropped in favour of its target.
final_targets AS (
    SELECT incident_id, arg_max(target_id, steps) AS target_id
    FROM targets
    GROUP BY incident_id
),

received AS (
    SELECT
        log.user_id AS person_id,
        coalesce(final_targets.target_id, log.incident_id) AS incident_id,
        log.occurred_at_utc,
        shifts.person_id IS NOT NULL AS is_on_call
    FROM core.incident_log AS log
    LEFT JOIN core.oncall_time AS shifts
        ON shifts.person_id = log.user_id
        AND log.occurred_at_utc >= shifts.start_at_utc
        AND log.occurred_at_utc < shifts.end_at_utc
    LEFT JOIN final_targets ON final_targets.incident_id = log.incident_id
    LEFT JOIN core.people AS people ON people.person_id = log.user_id
    WHERE log.type = 'notify'
        AND log.channel IN ('push', 'phone', 'sms')
        AND log.user_id IS NOT NULL
        AND NOT coalesce(people.is_bot, false)
),

interrupted AS (
    SELECT
        person_id,
        incident_id,
        coalesce(min(occurred_at_utc) FILTER (WHERE is_on_call), min(occurred_at_utc)) AS first_utc,
        bool_or(is_on_call) AS is_counted
    FROM received
    GROUP BY person_id, incident_id
)

SELECT
    'person' AS subject_kind,
    interrupted.person_id AS subject_id,
    interrupted.incident_id || '/interrupted/' || interrupted.person_id AS case_id,
    coalesce(incidents.ref, interrupted.incident_id) AS ref,
    interrupted.person_id AS contributor_id,
    incidents.source_url,
    interrupted.first_utc AS anchor_at_utc,
    CASE WHEN interrupted.is_counted THEN 'counted' ELSE 'excluded' END AS outcome,
    CASE WHEN interrupted.is_counted THEN coalesce(interruptions.band, 'on_call') ELSE 'not_on_call' END AS why,
    NULL AS amount,
    NULL AS exposure
FROM interrupted
LEFT JOIN core.incidents AS incidents ON incidents.incident_id = interrupted.incident_id
ASOF LEFT JOIN core.interruptions AS interruptions
    ON interruptions.person_id = interrupted.person_id
    AND interruptions.started_at_utc <= interrupted.first_utc
UNION ALL
SELECT
    'person',
    person_id,
    'on_call/' || person_id || '/' || epoch_us(start_at_utc),
    'on call',
    person_id,
    NULL,
    start_at_utc,
    'on_call',
    'on_call',
    NULL,
    (epoch_us(end_at_utc) - epoch_us(start_at_utc)) / 43200000000
FROM core.oncall_time
