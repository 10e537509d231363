-- One row per row of the shifts table. A person is named by roster id or e-mail address.
WITH named AS (
    SELECT lower(person_id) AS name, any_value(person_id) AS person_id FROM core.people GROUP BY lower(person_id)
    UNION
    SELECT lower(email), any_value(person_id) FROM core.people WHERE email IS NOT NULL GROUP BY lower(email)
)

SELECT
    coalesce(named.person_id, rows.person) AS person_id,
    rows.schedule AS schedule_id,
    rows.start_at::TIMESTAMPTZ AT TIME ZONE 'UTC' AS start_at_utc,
    rows.end_at::TIMESTAMPTZ AT TIME ZONE 'UTC' AS end_at_utc
FROM landing.incidents__shifts AS rows
LEFT JOIN named ON named.name = lower(rows.person)
