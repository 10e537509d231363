-- One row per submitted review.
WITH first_authors AS (
    -- A deleted account is null from then on, for old rows too; who it was is kept as first seen.
    SELECT review_id, arg_min(author_account_id, (_load, _page)) AS account_id
    FROM landing.github__reviews__versions
    WHERE author_account_id IS NOT NULL
    GROUP BY review_id
)

SELECT
    reviews.review_id,
    reviews.pull_request_id AS pr_id,
    coalesce(holders.person_id, reviews.author_account_id, first_authors.account_id) AS reviewer_id,
    reviews.state,
    reviews.submitted_at_utc,
    reviews.body,
    reviews.source_url
FROM landing.github__reviews AS reviews
LEFT JOIN first_authors ON first_authors.review_id = reviews.review_id
LEFT JOIN identities AS holders
    ON holders.account_id = coalesce(reviews.author_account_id, first_authors.account_id)
    AND reviews.submitted_at_utc >= holders.from_utc
    AND reviews.submitted_at_utc < holders.to_utc
