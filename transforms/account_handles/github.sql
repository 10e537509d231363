-- What GitHub calls an account: its newest login, and what it says of those that nobody claims.
SELECT
    account_id,
    'github' AS source,
    'login' AS kind,
    login AS value,
    _fetched_at_utc AS seen_at_utc
FROM landing.github__accounts
UNION ALL
SELECT account_id, 'github', 'verified_email', unnest(verified_emails), _fetched_at_utc
FROM landing.github__account_identities
UNION ALL
SELECT account_id, 'github', 'saml', unnest(sign_on_names), _fetched_at_utc
FROM landing.github__account_identities
