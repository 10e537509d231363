-- One row per case that GitHub knows somebody by: a pull request, a review of somebody else's, a request by name.
SELECT created_at_utc AS at_utc, author_id AS person_id, false AS is_asked FROM core.pull_requests
UNION ALL
SELECT reviews.submitted_at_utc, reviews.reviewer_id, false
FROM core.reviews AS reviews
JOIN core.pull_requests AS pulls ON pulls.pr_id = reviews.pr_id
WHERE reviews.reviewer_id IS DISTINCT FROM pulls.author_id OR reviews.reviewer_id IS NULL
UNION ALL
SELECT occurred_at_utc, reviewer_id, true
FROM core.pr_events
WHERE type = 'review_requested' AND reviewer_id IS NOT NULL
