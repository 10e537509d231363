-- One row per timeline event. A requested team is the roster's team of that name, where there is one.
WITH roster_teams AS (
    SELECT DISTINCT team_id, regexp_replace(lower(team_id), '[^a-z0-9]+', '-', 'g') AS slug
    FROM core.roster
    WHERE team_id IS NOT NULL
)

SELECT
    events.event_id,
    events.pull_request_id AS pr_id,
    events.type,
    events.occurred_at_utc,
    coalesce(holders.person_id, events.requested_account_id) AS reviewer_id,
    coalesce(roster_teams.team_id, events.requested_team_id) AS requested_team_id,
    events.dismissed_review_id,
    events.previous_review_state AS previous_state
FROM landing.github__pull_request_events AS events
LEFT JOIN identities AS holders
    ON holders.account_id = events.requested_account_id
    AND events.occurred_at_utc >= holders.from_utc
    AND events.occurred_at_utc < holders.to_utc
LEFT JOIN roster_teams ON roster_teams.slug = events.requested_team_slug
