-- What Jira calls an account: the user name (Data Center) or the account id (Cloud), and the address it shows.
SELECT
    account_id,
    'jira' AS source,
    'login' AS kind,
    login AS value,
    _fetched_at_utc AS seen_at_utc
FROM landing.jira__accounts
UNION ALL
SELECT account_id, 'jira', 'email', email, _fetched_at_utc
FROM landing.jira__accounts
WHERE email IS NOT NULL
