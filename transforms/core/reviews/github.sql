-- One row per submitted review.
SELECT
    reviews.review_id,
    reviews.pull_request_id AS pr_id,
    authors.person_id AS reviewer_id,
    reviews.state,
    reviews.submitted_at_utc,
    reviews.body,
    reviews.source_url
FROM landing.github__reviews AS reviews
LEFT JOIN core.accounts AS authors ON authors.account_id = reviews.author_account_id
