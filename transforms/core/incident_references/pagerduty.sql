-- One row per thing that a note on an incident names.
SELECT
    notes.incident_id,
    notes.kind,
    notes.ref,
    notes.noted_at_utc AT TIME ZONE 'UTC' AS noted_at_utc,
    coalesce(accounts.person_id, notes.author_account_id) AS person_id
FROM landing.pagerduty__note_references AS notes
LEFT JOIN core.accounts AS accounts ON accounts.account_id = notes.author_account_id
WHERE notes.kind IS NOT NULL
