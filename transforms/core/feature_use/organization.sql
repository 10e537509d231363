-- One row per use of a feature.
SELECT account AS account_id, feature_id, used_at_utc AS occurred_at_utc
FROM landing.organization__feature_use
