-- One row per sprint with both ends; one that was completed later than planned ends when it was completed.
SELECT sprint_id, name AS ref, start_at_utc, ended_at_utc AS end_at_utc
FROM (
    SELECT
        *,
        CASE WHEN completed_at_utc <= $as_of_utc THEN completed_at_utc ELSE planned_end_at_utc END AS ended_at_utc
    FROM landing.jira__sprints
)
WHERE start_at_utc IS NOT NULL AND ended_at_utc > start_at_utc
