-- One row per account and feature it may use.
SELECT account AS account_id, feature_id, eligible_from_utc, is_internal
FROM landing.organization__feature_eligibility
