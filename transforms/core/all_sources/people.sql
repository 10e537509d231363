-- One row per person behind accounts who is not on the roster: an account that nobody claims, or not for all of
-- time, or one bound to somebody whose row is gone. They can approve and answer, and are never a subject.
WITH behind AS (
    SELECT accounts.account_id AS person_id, accounts.login, accounts.is_bot
    FROM core.accounts AS accounts
    WHERE NOT EXISTS (
        FROM identities
        WHERE identities.account_id = accounts.account_id
            AND identities.from_utc = TIMESTAMP '0001-01-01'
            AND identities.to_utc = TIMESTAMP '9999-12-31'
    )
    UNION ALL
    SELECT identities.person_id, accounts.login, accounts.is_bot
    FROM core.accounts AS accounts
    JOIN identities ON identities.account_id = accounts.account_id
)

SELECT
    behind.person_id,
    min(behind.login) AS name,
    NULL AS email,
    $reporting_timezone AS tz,
    [1, 2, 3, 4, 5] AS working_days,
    bool_or(behind.is_bot) AS is_bot,
    false AS is_rostered
FROM behind
WHERE NOT EXISTS (FROM core.roster AS roster WHERE roster.person_id = behind.person_id)
GROUP BY behind.person_id
