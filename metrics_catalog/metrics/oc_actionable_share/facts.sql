-- One row per incident and its service, and one for the team that owned the service when it was created.
WITH touched AS (
    SELECT
        log.incident_id,
        bool_or(log.type = 'acknowledge' AND log.is_person) AS is_acknowledged,
        bool_or(log.type = 'resolve' AND log.is_person) AS is_resolved_by_person,
        arg_max(log.type, (log.occurred_at_utc, log.type = 'resolve'))
            FILTER (WHERE log.type IN ('resolve', 'reopen')) AS last_end
    FROM (
        SELECT entries.*, entries.user_id IS NOT NULL AND NOT coalesce(people.is_bot, false) AS is_person
        FROM core.incident_log AS entries
        LEFT JOIN core.people AS people ON people.person_id = entries.user_id
    ) AS log
    GROUP BY log.incident_id
),

classes AS (
    SELECT
        incidents.*,
        CASE
            WHEN incidents.urgency = 'low' THEN 'low_urgency'
            WHEN incidents.merged_into IS NOT NULL THEN 'merged'
            WHEN incidents.resolution_tag IN ('false_alarm', 'no_action_needed') THEN incidents.resolution_tag
            WHEN coalesce(touched.is_resolved_by_person, false) THEN 'resolved_by_human'
            WHEN coalesce(touched.is_acknowledged, false) THEN
                CASE
                    WHEN touched.last_end = 'resolve' OR (touched.last_end IS NULL AND incidents.resolved_at_utc IS NOT NULL)
                        THEN 'acked_then_auto_resolved'
                    ELSE 'acked_open'
                END
            WHEN touched.last_end = 'resolve' OR (touched.last_end IS NULL AND incidents.resolved_at_utc IS NOT NULL)
                THEN 'auto_resolved_untouched'
            ELSE 'open'
        END AS why
    FROM core.incidents AS incidents
    LEFT JOIN touched ON touched.incident_id = incidents.incident_id
)

SELECT
    subjects.subject_kind,
    subjects.subject_id,
    classes.incident_id AS case_id,
    classes.ref,
    NULL AS contributor_id,
    classes.source_url,
    classes.created_at_utc AS anchor_at_utc,
    CASE
        WHEN classes.why IN ('low_urgency', 'merged') THEN 'excluded'
        WHEN classes.why IN ('resolved_by_human', 'acked_then_auto_resolved', 'acked_open') THEN 'actionable'
        WHEN classes.why = 'open' THEN 'pending'
        ELSE 'noise'
    END AS outcome,
    classes.why,
    NULL AS amount,
    NULL AS exposure
FROM classes
JOIN core.incident_subjects AS subjects ON subjects.incident_id = classes.incident_id
