-- Of the remarks that ask for something, on merged pull requests of others: how many something became of.
WITH remarks AS (
    SELECT
        fates.starter_id AS person_id,
        memberships.team_id,
        date_trunc($grain, reporting_month(pulls.merged_at_utc)) AS period_start,
        fates.is_asking,
        fates.fate NOT IN ('answered_only', 'no_reply') AS is_addressed
    FROM core.thread_fates AS fates
    JOIN core.pull_requests AS pulls ON pulls.pr_id = fates.pr_id
    LEFT JOIN core.people AS authors ON authors.person_id = pulls.author_id
    LEFT JOIN core.memberships AS memberships
        ON memberships.person_id = fates.starter_id
        AND pulls.merged_at_utc >= coalesce(memberships.from_at_utc, TIMESTAMP '0001-01-01')
        AND pulls.merged_at_utc < coalesce(memberships.to_at_utc, TIMESTAMP '9999-12-31')
    WHERE fates.fate IS NOT NULL
        AND fates.starter_id <> pulls.author_id
        AND NOT coalesce(authors.is_bot, false)
)

SELECT
    if(grouping(person_id) = 0, 'person', 'team') AS subject_kind,
    coalesce(person_id, team_id) AS subject_id,
    period_start,
    count(*) FILTER (WHERE is_asking) AS n,
    count(*) FILTER (WHERE is_asking AND is_addressed) / n AS value
FROM remarks
GROUP BY GROUPING SETS ((person_id, period_start), (team_id, period_start))
