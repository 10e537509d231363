-- One row per pull request of somebody else and person who reviewed it, at their first review of it.
SELECT
    'person' AS subject_kind,
    pairs.reviewer_id AS subject_id,
    pairs.first_review_id AS case_id,
    pairs.reviewer_id AS contributor_id,
    pairs.source_url,
    pairs.pr_id,
    pairs.first_review_at_utc AS anchor_at_utc,
    CASE
        WHEN own.team_id IS NULL OR authors.team_id IS NULL THEN 'excluded'
        WHEN own.team_id <> authors.team_id THEN 'other_team'
        ELSE 'own_team'
    END AS outcome,
    CASE
        WHEN own.team_id IS NULL OR authors.team_id IS NULL THEN 'no_team'
        WHEN own.team_id <> authors.team_id THEN 'author_in_another_team'
        ELSE 'author_in_own_team'
    END AS why,
    NULL AS amount,
    NULL AS exposure
FROM core.review_pairs AS pairs
LEFT JOIN core.memberships AS own
    ON own.person_id = pairs.reviewer_id
    AND pairs.first_review_at_utc >= coalesce(own.from_at_utc, TIMESTAMP '0001-01-01')
    AND pairs.first_review_at_utc < coalesce(own.to_at_utc, TIMESTAMP '9999-12-31')
LEFT JOIN core.memberships AS authors
    ON authors.person_id = pairs.author_id
    AND pairs.first_review_at_utc >= coalesce(authors.from_at_utc, TIMESTAMP '0001-01-01')
    AND pairs.first_review_at_utc < coalesce(authors.to_at_utc, TIMESTAMP '9999-12-31')
WHERE NOT pairs.is_bot_pr
