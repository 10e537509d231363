-- One row per pull request with an approval, still standing, by a person other than the author: the first.
SELECT reviews.pr_id, min(reviews.submitted_at_utc) AS approved_at_utc
FROM core.reviews AS reviews
JOIN core.pull_requests AS pulls ON pulls.pr_id = reviews.pr_id
LEFT JOIN core.people AS people ON people.person_id = reviews.reviewer_id
-- Nobody can approve their own pull request, so two deleted accounts are two people.
WHERE reviews.state = 'APPROVED'
    AND NOT coalesce(people.is_bot, false)
    AND NOT coalesce(reviews.reviewer_id = pulls.author_id, false)
GROUP BY reviews.pr_id
