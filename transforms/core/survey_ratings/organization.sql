-- One row per answer of the survey. People are told by roster id, e-mail or login, in this order; what no pull
-- request or nobody is known by is null, and a check counts it.
WITH names AS (
    SELECT person_id AS told, person_id, 1 AS place FROM core.people
    UNION ALL
    SELECT lower(email), person_id, 2 FROM core.people WHERE email IS NOT NULL
    UNION ALL
    SELECT lower(login), person_id, 3 FROM core.accounts
),

known AS (
    SELECT lower(told) AS told, any_value(person_id) AS person_id
    FROM names
    GROUP BY lower(told), place
    HAVING count(DISTINCT person_id) = 1
    QUALIFY row_number() OVER (PARTITION BY lower(told) ORDER BY place) = 1
)

SELECT
    pulls.pr_id,
    reviewers.person_id AS reviewer_id,
    raters.person_id AS rater_id,
    answers.rating,
    answers.answered_at_utc AS occurred_at_utc
FROM landing.organization__survey AS answers
LEFT JOIN core.pull_requests AS pulls ON lower(pulls.ref) = answers.pull_request_ref
LEFT JOIN known AS reviewers ON reviewers.told = lower(answers.reviewer)
LEFT JOIN known AS raters ON raters.told = lower(answers.rater)
