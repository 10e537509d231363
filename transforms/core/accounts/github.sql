-- One row per account, with the person the identity journal gives it at the as-of.
SELECT
    accounts.account_id,
    'github' AS source,
    accounts.login,
    accounts.kind,
    accounts.kind = 'bot'
        OR lower(accounts.login) LIKE '%[bot]'
        OR list_contains($bots, lower(accounts.login)) AS is_bot,
    coalesce(identities.person_id, accounts.account_id) AS person_id,
    EXISTS (FROM core.roster AS roster WHERE roster.person_id = identities.person_id) AS is_claimed
FROM landing.github__accounts AS accounts
LEFT JOIN identities
    ON identities.account_id = accounts.account_id
    AND $as_of_utc >= identities.from_utc
    AND $as_of_utc < identities.to_utc
