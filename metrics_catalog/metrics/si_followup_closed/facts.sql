-- One row per follow-up of a major incident and its assignee, and one per team it belongs to.
WITH due AS (
    SELECT
        followups.*,
        coalesce(
            followups.due_date, reporting_date(followups.created_at_utc) + $default_due_days::INTEGER
        ) AS due_on
    FROM core.followups AS followups
    JOIN core.incidents AS incidents
        ON incidents.incident_id = followups.incident_id AND incidents.is_major AND incidents.merged_into IS NULL
),

-- What is due later in the as-of's own month is a pending case of it; what is due in a later month is none yet.
placed AS (
    SELECT
        due.*,
        least(reporting_midnight(due.due_on), $as_of_utc) AS anchor_at_utc,
        CASE
            WHEN due.resolution IN ('wont_do', 'duplicate') THEN due.resolution
            WHEN due.resolved_at_utc < reporting_midnight(due.due_on + 1) THEN 'on_time'
            WHEN due.resolved_at_utc IS NOT NULL THEN 'late'
            WHEN $as_of_utc < reporting_midnight(due.due_on + 1) THEN 'not_due'
            ELSE 'late'
        END AS why
    FROM due
    WHERE date_trunc('month', due.due_on)::DATE <= reporting_month($as_of_utc)
),

subjects AS (
    SELECT ticket_id, 'person' AS subject_kind, assignee_id AS subject_id FROM placed WHERE assignee_id IS NOT NULL
    UNION
    SELECT ticket_id, 'team', team_id FROM placed WHERE team_id IS NOT NULL
    UNION
    SELECT placed.ticket_id, 'team', memberships.team_id
    FROM placed
    JOIN core.memberships AS memberships
        ON memberships.person_id = placed.assignee_id
        AND placed.anchor_at_utc >= coalesce(memberships.from_at_utc, TIMESTAMP '0001-01-01')
        AND placed.anchor_at_utc < coalesce(memberships.to_at_utc, TIMESTAMP '9999-12-31')
    WHERE placed.team_id IS NULL
)

SELECT
    subjects.subject_kind,
    subjects.subject_id,
    placed.ticket_id || '/due' AS case_id,
    coalesce(placed.ref, placed.ticket_id) AS ref,
    placed.assignee_id AS contributor_id,
    placed.source_url,
    placed.anchor_at_utc,
    CASE placed.why
        WHEN 'on_time' THEN 'on_time'
        WHEN 'not_due' THEN 'pending'
        WHEN 'late' THEN 'late'
        ELSE 'excluded'
    END AS outcome,
    placed.why,
    NULL AS amount,
    NULL AS exposure
FROM placed
JOIN subjects ON subjects.ticket_id = placed.ticket_id
