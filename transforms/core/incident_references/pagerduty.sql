-- One row per thing that a note on an incident names.
SELECT
    notes.incident_id,
    notes.kind,
    notes.ref,
    notes.noted_at_utc AT TIME ZONE 'UTC' AS noted_at_utc,
    coalesce(holders.person_id, notes.author_account_id) AS person_id
FROM landing.pagerduty__note_references AS notes
LEFT JOIN identities AS holders
    ON holders.account_id = notes.author_account_id
    AND notes.noted_at_utc >= holders.from_utc
    AND notes.noted_at_utc < holders.to_utc
WHERE notes.kind IS NOT NULL
