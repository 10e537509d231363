-- One row per person behind accounts who is not on the roster: an account that nobody claims, or one bound to
-- somebody whose row is gone. They can approve and answer, and are never a subject.
SELECT
    accounts.person_id,
    min(accounts.login) AS name,
    NULL AS email,
    $reporting_timezone AS tz,
    [1, 2, 3, 4, 5] AS working_days,
    bool_or(accounts.is_bot) AS is_bot,
    false AS is_rostered
FROM core.accounts AS accounts
WHERE NOT EXISTS (FROM core.roster AS roster WHERE roster.person_id = accounts.person_id)
GROUP BY accounts.person_id
