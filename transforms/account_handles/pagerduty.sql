-- One row per user and one per address of a user: PagerDuty has no logins, but ids and e-mail addresses.
SELECT account_id, 'pagerduty' AS source, 'id' AS kind, split_part(account_id, '/', 2) AS value,
    max(_fetched_at_utc) AS seen_at_utc
FROM landing.pagerduty__accounts__versions
GROUP BY account_id
UNION ALL
SELECT account_id, 'pagerduty', 'email', login, max(_fetched_at_utc)
FROM landing.pagerduty__accounts__versions
WHERE is_listed AND contains(login, '@')
GROUP BY account_id, login
