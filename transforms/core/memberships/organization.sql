-- One row per person and roster stretch with a team.
SELECT person_id, team_id, valid_from_utc AS from_at_utc, valid_to_utc AS to_at_utc
FROM core.roster
WHERE team_id IS NOT NULL
