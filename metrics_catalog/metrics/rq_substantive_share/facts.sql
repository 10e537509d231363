-- One row per ended pull request of somebody else and person who reviewed it before its end.
SELECT
    'person' AS subject_kind,
    pairs.reviewer_id AS subject_id,
    pairs.pr_id || '/reviewed-by/' || pairs.reviewer_id AS case_id,
    pairs.reviewer_id AS contributor_id,
    pairs.pr_id,
    pairs.ended_at_utc AS anchor_at_utc,
    pairs.substance AS outcome,
    CASE pairs.substance
        WHEN 'substantive' THEN 'asks_something'
        WHEN 'light' THEN 'nitpick_note_or_thought'
        ELSE 'says_yes'
    END AS why,
    NULL AS amount,
    NULL AS exposure
FROM core.review_pairs AS pairs
WHERE pairs.is_before_end AND NOT pairs.is_bot_pr
