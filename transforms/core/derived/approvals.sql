-- One row per pull request with an approval, still standing, by a person other than the author: the first.
-- A reviewer who asks for changes after approving, before the merge, has taken the approval back; others' objections
-- undo nobody's.
SELECT reviews.pr_id, min(reviews.submitted_at_utc) AS approved_at_utc
FROM core.reviews AS reviews
JOIN core.pull_requests AS pulls ON pulls.pr_id = reviews.pr_id
LEFT JOIN core.people AS people ON people.person_id = reviews.reviewer_id
-- Nobody can approve their own pull request, so two deleted accounts are two people.
WHERE reviews.state = 'APPROVED'
    AND NOT coalesce(people.is_bot, false)
    AND NOT coalesce(reviews.reviewer_id = pulls.author_id, false)
    AND NOT EXISTS (
        FROM core.reviews AS objections
        WHERE objections.pr_id = reviews.pr_id
            AND objections.reviewer_id = reviews.reviewer_id
            AND objections.state = 'CHANGES_REQUESTED'
            AND objections.submitted_at_utc > reviews.submitted_at_utc
            AND objections.submitted_at_utc <= pulls.merged_at_utc
    )
GROUP BY reviews.pr_id
