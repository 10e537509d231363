-- One row per person behind PagerDuty users who is not on the roster and whom no other source has brought.
SELECT
    accounts.person_id,
    min(accounts.login) AS name,
    NULL AS email,
    $reporting_timezone AS tz,
    [1, 2, 3, 4, 5] AS working_days,
    bool_or(accounts.is_bot) AS is_bot,
    false AS is_rostered
FROM core.accounts AS accounts
WHERE accounts.source = 'pagerduty'
    AND NOT EXISTS (FROM core.roster AS roster WHERE roster.person_id = accounts.person_id)
    AND NOT EXISTS (FROM conformed.people AS known WHERE known.person_id = accounts.person_id)
GROUP BY accounts.person_id
