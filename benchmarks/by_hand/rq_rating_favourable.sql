-- Of the reviews that their author's reaction rated: how many were rated well.
WITH said AS (
    SELECT review_id AS target_id, pr_id, reviewer_id FROM core.reviews
    UNION ALL
    SELECT comments.comment_id, threads.pr_id, comments.author_id
    FROM core.thread_comments AS comments
    JOIN core.review_threads AS threads ON threads.thread_id = comments.thread_id
),

rated AS (
    SELECT
        said.pr_id,
        said.reviewer_id,
        max_by(reactions.content NOT IN ('-1', 'THUMBS_DOWN', 'CONFUSED'), reactions.occurred_at_utc) AS is_favourable
    FROM core.reactions AS reactions
    JOIN said ON said.target_id = reactions.target_id
    JOIN core.pull_requests AS pulls ON pulls.pr_id = said.pr_id AND pulls.author_id = reactions.user_id
    WHERE reactions.content IN ('+1', 'THUMBS_UP', 'HEART', 'HOORAY', 'ROCKET', '-1', 'THUMBS_DOWN', 'CONFUSED')
    GROUP BY said.pr_id, said.reviewer_id
),

reviewed AS (
    SELECT
        pairs.reviewer_id AS person_id,
        memberships.team_id,
        date_trunc($grain, reporting_month(pairs.ended_at_utc)) AS period_start,
        rated.is_favourable
    FROM core.review_pairs AS pairs
    LEFT JOIN rated ON rated.pr_id = pairs.pr_id AND rated.reviewer_id = pairs.reviewer_id
    LEFT JOIN core.memberships AS memberships
        ON memberships.person_id = pairs.reviewer_id
        AND pairs.ended_at_utc >= coalesce(memberships.from_at_utc, TIMESTAMP '0001-01-01')
        AND pairs.ended_at_utc < coalesce(memberships.to_at_utc, TIMESTAMP '9999-12-31')
    WHERE pairs.is_before_end AND NOT pairs.is_bot_pr
)

SELECT
    if(grouping(person_id) = 0, 'person', 'team') AS subject_kind,
    coalesce(person_id, team_id) AS subject_id,
    period_start,
    count(is_favourable) AS n,
    count(*) FILTER (WHERE is_favourable) / n AS value
FROM reviewed
GROUP BY GROUPING SETS ((person_id, period_start), (team_id, period_start))
