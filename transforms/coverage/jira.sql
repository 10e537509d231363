-- One row per ticket that somebody is assigned to.
SELECT created_at_utc AS at_utc, assignee_id AS person_id, true AS is_asked
FROM core.tickets
WHERE assignee_id IS NOT NULL
