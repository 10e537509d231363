-- One row per ended pull request and person who reviewed it before its end; pooled into the person's team.
SELECT
    'person' AS subject_kind,
    pairs.reviewer_id AS subject_id,
    pairs.first_review_id AS case_id,
    pairs.reviewer_id AS contributor_id,
    pairs.pr_id,
    pairs.ended_at_utc AS anchor_at_utc,
    'reviewed' AS outcome,
    'before_the_end' AS why,
    NULL AS amount,
    NULL AS exposure
FROM core.review_pairs AS pairs
WHERE pairs.is_before_end AND NOT pairs.is_bot_pr
