-- One row per goal of a person, at its first instant. Where it stands is worked out from the cases of the metric it
-- names, between its first and its last day (trends.goals).
SELECT
    'person' AS subject_kind,
    owner_id AS subject_id,
    goal_id || '/goal' AS case_id,
    goal_id AS ref,
    owner_id AS contributor_id,
    NULL AS source_url,
    start_utc AS anchor_at_utc,
    CASE WHEN metric_id IS NULL THEN 'kept_by_hand' ELSE 'agreed' END AS outcome,
    CASE
        WHEN is_stored_late THEN 'stored_late'
        WHEN edit IS NOT NULL THEN 'edited_later'
        WHEN is_withdrawn THEN 'withdrawn'
        ELSE 'as_agreed'
    END AS why,
    NULL AS amount,
    NULL AS exposure
FROM core.goals
WHERE owner_kind = 'person'
