-- One row per account and feature it could use, once for the feature and once for the team that owns it.
WITH first_eligible AS (
    SELECT
        feature_id,
        account_id,
        min(eligible_from_utc) AS eligible_from_utc,
        bool_or(coalesce(is_internal, false)) AS is_internal
    FROM core.feature_eligibility
    GROUP BY feature_id, account_id
),

used AS (
    SELECT
        eligible.feature_id,
        eligible.account_id,
        count(DISTINCT reporting_date(uses.occurred_at_utc)) AS n_days
    FROM first_eligible AS eligible
    JOIN core.feature_use AS uses
        ON uses.feature_id = eligible.feature_id
        AND uses.account_id = eligible.account_id
        AND uses.occurred_at_utc >= eligible.eligible_from_utc
        AND uses.occurred_at_utc < eligible.eligible_from_utc + to_hours(24 * $window_days)
    GROUP BY eligible.feature_id, eligible.account_id
),

active AS (
    SELECT DISTINCT eligible.feature_id, eligible.account_id
    FROM first_eligible AS eligible
    JOIN core.account_activity AS activity
        ON activity.account_id = eligible.account_id
        AND activity.occurred_at_utc >= eligible.eligible_from_utc
        AND activity.occurred_at_utc < eligible.eligible_from_utc + to_hours(24 * $window_days)
),

decided AS (
    SELECT
        eligible.*,
        CASE
            WHEN eligible.is_internal THEN 'internal'
            WHEN coalesce(used.n_days, 0) >= $min_use_days THEN 'used'
            WHEN eligible.eligible_from_utc + to_hours(24 * $window_days) > $as_of_utc THEN 'window_not_over'
            WHEN used.n_days IS NULL AND active.account_id IS NULL THEN 'not_active'
            ELSE 'not_used'
        END AS why
    FROM first_eligible AS eligible
    LEFT JOIN used ON used.feature_id = eligible.feature_id AND used.account_id = eligible.account_id
    LEFT JOIN active ON active.feature_id = eligible.feature_id AND active.account_id = eligible.account_id
),

subjects AS (
    SELECT DISTINCT 'feature' AS subject_kind, feature_id AS subject_id, feature_id FROM core.feature_eligibility
    UNION ALL
    SELECT 'team', team_id, feature_id FROM core.features WHERE team_id IS NOT NULL
)

SELECT
    subjects.subject_kind,
    subjects.subject_id,
    decided.feature_id || '/account/' || decided.account_id AS case_id,
    decided.account_id AS ref,
    NULL AS contributor_id,
    NULL AS source_url,
    decided.eligible_from_utc AS anchor_at_utc,
    CASE
        WHEN decided.why IN ('internal', 'not_active') THEN 'excluded'
        WHEN decided.why = 'used' THEN 'adopted'
        WHEN decided.why = 'window_not_over' THEN 'pending'
        ELSE 'not_adopted'
    END AS outcome,
    decided.why,
    NULL AS amount,
    NULL AS exposure
FROM decided
JOIN subjects ON subjects.feature_id = decided.feature_id
