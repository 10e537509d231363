-- One row per person and stretch, with its dates as instants of the reporting zone.
SELECT
    people.person_id,
    starts.start_utc AS valid_from_utc,
    ends.start_utc AS valid_to_utc,
    people.team_id,
    people.manager_id,
    people.role,
    people.level,
    people.time_zone AS tz,
    people.working_days,
    people.place
FROM landing.organization__people AS people
LEFT JOIN reporting_days AS starts ON starts.local_date = people.valid_from
LEFT JOIN reporting_days AS ends ON ends.local_date = people.valid_to
