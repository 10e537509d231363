-- One row per activity of an account.
SELECT account AS account_id, active_at_utc AS occurred_at_utc
FROM landing.organization__account_activity
