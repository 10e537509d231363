-- One row per row of the log table. A person is named by roster id or e-mail address.
WITH named AS (
    SELECT lower(person_id) AS name, any_value(person_id) AS person_id FROM core.people GROUP BY lower(person_id)
    UNION
    SELECT lower(email), any_value(person_id) FROM core.people WHERE email IS NOT NULL GROUP BY lower(email)
)

SELECT
    'incidents:' || row_number() OVER (ORDER BY rows.incident_id, rows.occurred_at_utc, rows.type, rows.person,
        rows.to_person, rows.channel) AS entry_id,
    'incidents:' || rows.incident_id AS incident_id,
    rows.type,
    rows.occurred_at_utc,
    coalesce(actors.person_id, rows.person) AS user_id,
    coalesce(given.person_id, rows.to_person) AS to_user_id,
    coalesce(rows.via, CASE WHEN rows.type <> 'notify' AND rows.person IS NOT NULL THEN 'manual' END) AS via,
    rows.channel,
    rows.until::TIMESTAMPTZ AT TIME ZONE 'UTC' AS until_utc
FROM landing.incidents__log AS rows
LEFT JOIN named AS actors ON actors.name = lower(rows.person)
LEFT JOIN named AS given ON given.name = lower(rows.to_person)
