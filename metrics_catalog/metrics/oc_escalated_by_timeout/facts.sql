-- One row per assigned incident and its service, and one for the team that owned the service when it was created.
WITH firsts AS (
    SELECT
        incident_id,
        min(occurred_at_utc) FILTER (WHERE type IN ('assign', 'escalate', 'reassign')) AS assigned_at_utc,
        min(occurred_at_utc) FILTER (WHERE type = 'acknowledge') AS acknowledged_at_utc,
        min(occurred_at_utc) FILTER (WHERE type = 'resolve') AS resolved_at_utc,
        min(occurred_at_utc) FILTER (WHERE type = 'escalate' AND via = 'timeout') AS timed_out_at_utc
    FROM core.incident_log
    GROUP BY incident_id
),

-- Somebody who escalates or reassigns by hand has answered; what times out then is another level.
moved AS (
    SELECT log.incident_id, min(log.occurred_at_utc) AS moved_at_utc
    FROM core.incident_log AS log
    JOIN firsts ON firsts.incident_id = log.incident_id
    WHERE log.type IN ('escalate', 'reassign')
        AND coalesce(log.via, 'manual') = 'manual'
        AND log.occurred_at_utc > firsts.assigned_at_utc
    GROUP BY log.incident_id
),

classes AS (
    SELECT
        incidents.*,
        firsts.assigned_at_utc,
        firsts.timed_out_at_utc,
        least(
            firsts.acknowledged_at_utc, moved.moved_at_utc, coalesce(firsts.resolved_at_utc, incidents.resolved_at_utc)
        ) AS ended_at_utc
    FROM core.incidents AS incidents
    JOIN firsts ON firsts.incident_id = incidents.incident_id AND firsts.assigned_at_utc IS NOT NULL
    LEFT JOIN moved ON moved.incident_id = incidents.incident_id
)

SELECT
    subjects.subject_kind,
    subjects.subject_id,
    classes.incident_id AS case_id,
    classes.ref,
    NULL AS contributor_id,
    classes.source_url,
    classes.assigned_at_utc AS anchor_at_utc,
    CASE
        WHEN classes.urgency = 'low' OR classes.merged_into IS NOT NULL THEN 'excluded'
        WHEN classes.timed_out_at_utc < coalesce(classes.ended_at_utc, TIMESTAMP '9999-12-31') THEN 'escalated'
        WHEN classes.ended_at_utc IS NOT NULL THEN 'held'
        ELSE 'pending'
    END AS outcome,
    CASE
        WHEN classes.urgency = 'low' THEN 'low_urgency'
        WHEN classes.merged_into IS NOT NULL THEN 'merged'
        WHEN classes.timed_out_at_utc < coalesce(classes.ended_at_utc, TIMESTAMP '9999-12-31') THEN 'timed_out'
        WHEN classes.ended_at_utc IS NOT NULL THEN 'ended_first'
        ELSE 'open'
    END AS why,
    (epoch_us(coalesce(least(classes.timed_out_at_utc, classes.ended_at_utc), $as_of_utc))
        - epoch_us(classes.assigned_at_utc)) / 60000000 AS amount,
    NULL AS exposure
FROM classes
JOIN core.incident_subjects AS subjects ON subjects.incident_id = classes.incident_id
