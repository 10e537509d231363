-- One row per account that nobody claims: a person of its own, who can approve and answer, never a subject.
SELECT
    accounts.account_id AS person_id,
    accounts.login AS name,
    NULL AS email,
    $reporting_timezone AS tz,
    [1, 2, 3, 4, 5] AS working_days,
    accounts.is_bot,
    false AS is_rostered
FROM core.accounts AS accounts
WHERE NOT accounts.is_claimed
