-- One row per user, with the person the identity journal gives it at the as-of. A user that is gone keeps what was last listed.
WITH users AS (
    SELECT account_id, arg_max(login, (is_listed, _load, _page, _place)) AS login
    FROM landing.pagerduty__accounts__versions
    GROUP BY account_id
)

SELECT
    users.account_id,
    'pagerduty' AS source,
    users.login,
    'user' AS kind,
    list_contains($bots, lower(users.login)) AS is_bot,
    coalesce(identities.person_id, users.account_id) AS person_id,
    EXISTS (FROM core.roster AS roster WHERE roster.person_id = identities.person_id) AS is_claimed
FROM users
LEFT JOIN identities
    ON identities.account_id = users.account_id
    AND $as_of_utc >= identities.from_utc
    AND $as_of_utc < identities.to_utc
