-- One row per repository and month of creation. A repository that could not be read has every month missing.
WITH months AS (
    SELECT unnest(generate_series(
        coalesce((SELECT min(reporting_month(created_at_utc)) FROM core.pull_requests), reporting_month($as_of_utc)),
        reporting_month($as_of_utc),
        INTERVAL 1 MONTH
    ))::DATE AS month_start
),

newest AS (
    SELECT max_by(load_id, (known_at_utc, load_id)) AS load_id, max(known_at_utc) AS known_at_utc
    FROM ops.loads
    WHERE source = 'github'
),

-- What was read of a repository last counts until it is read again; anything else (a listing, a sweep, a name
-- that could not be found) is over with the next load. One that is no longer read (left out, or with another
-- owner now) is told as far as it was read. A gap is of what may have changed since there was none: months that
-- ended long before have been read with all that belongs to their cases, but for what was still open then.
scopes AS (
    SELECT
        scopes.scope,
        scopes.gap,
        loads.known_at_utc AS read_at_utc,
        reporting_month(CASE WHEN loads.load_id = newest.load_id THEN $as_of_utc ELSE loads.known_at_utc END)
            AS last_month,
        CASE
            WHEN scopes.gap IS NOT NULL
                THEN coalesce(reporting_month(scopes.whole_at_utc - to_days($late_days)), DATE '0001-01-01')
        END AS gap_from
    FROM newest_scopes AS scopes
    JOIN ops.loads AS loads ON loads.load_id = scopes.load_id
    CROSS JOIN newest
    WHERE scopes.source = 'github'
        AND scopes.scope NOT IN ('github:counts', 'github:identities')
        AND NOT ends_with(scopes.scope, '/deployments')  -- they concern no pull request: github_deployments.sql
        AND NOT ends_with(scopes.scope, '/census')
        AND (
            (scopes.load_id = newest.load_id AND scopes.gap IS NOT NULL)
            OR scopes.scope IN (SELECT repository_id FROM core.repositories)
        )
),

-- What is missing may be the answer to what was open when it was last read, however long ago that was asked: a
-- request, a pull request that nobody has looked at, changes that were asked for.
still_open AS (
    SELECT pulls.repository_id AS scope, reporting_month(waiting.at_utc) AS month_start
    FROM core.pull_requests AS pulls
    JOIN (
        SELECT pr_id, anchor_at_utc AS at_utc FROM core.review_requests WHERE ended_at_utc IS NULL
        UNION ALL
        SELECT pr_id, submitted_at_utc FROM core.reviews WHERE state = 'CHANGES_REQUESTED'
        UNION ALL
        SELECT unseen.pr_id, unseen.at_utc
        FROM (
            SELECT pr_id, author_id, created_at_utc AS at_utc FROM core.pull_requests
            UNION ALL
            SELECT events.pr_id, pulls.author_id, events.occurred_at_utc
            FROM core.pr_events AS events
            JOIN core.pull_requests AS pulls ON pulls.pr_id = events.pr_id
            WHERE events.type = 'ready_for_review'
        ) AS unseen
        WHERE NOT EXISTS (
            FROM core.reviews AS reviews
            WHERE reviews.pr_id = unseen.pr_id AND reviews.reviewer_id IS DISTINCT FROM unseen.author_id
        )
    ) AS waiting ON waiting.pr_id = pulls.pr_id
    WHERE pulls.closed_at_utc IS NULL
    GROUP BY pulls.repository_id, reporting_month(waiting.at_utc)
),

open_months AS (
    SELECT scopes.scope, still_open.month_start
    FROM scopes
    JOIN still_open
        ON still_open.scope = scopes.scope
        OR scopes.scope NOT IN (SELECT repository_id FROM core.repositories)  -- it may be in any repository
    GROUP BY scopes.scope, still_open.month_start
),

-- Whether what is missing of a repository was deleted could not be told.
untold AS (
    SELECT replace(scopes.scope, '/census', '') AS scope, scopes.gap
    FROM newest_scopes AS scopes
    JOIN newest ON newest.load_id = scopes.load_id
    WHERE scopes.source = 'github' AND ends_with(scopes.scope, '/census') AND scopes.gap IS NOT NULL
),

stored AS (
    SELECT repository_id AS scope, reporting_month(created_at_utc) AS month_start, count(*) AS stored
    FROM core.pull_requests
    GROUP BY repository_id, reporting_month(created_at_utc)
),

-- What was stored once and is no longer there, by the month of its creation.
deleted AS (
    SELECT gone.scope, reporting_month(gone.created_at_utc) AS month_start, count(*) AS deleted
    FROM (
        SELECT
            versions.repository_id AS scope,
            min(versions.created_at_utc) AT TIME ZONE 'UTC' AS created_at_utc
        FROM landing.github__pull_requests__versions AS versions
        JOIN landing.github__removals AS removals ON removals.pull_request_id = versions.pull_request_id
        WHERE NOT EXISTS (
            FROM landing.github__pull_requests AS pulls WHERE pulls.pull_request_id = versions.pull_request_id
        )
        GROUP BY versions.repository_id, versions.pull_request_id
    ) AS gone
    GROUP BY gone.scope, reporting_month(gone.created_at_utc)
),

-- What was rejected and has not been read whole since: a night reads only what has changed, so a rejected record
-- stays missing until its pull request comes again. Without its pull request nobody knows the month.
rejects AS (
    SELECT
        rejected.scope,
        rejected.stream || ' ' || rejected.ref AS place,
        loads.ordinal,
        nullif(regexp_extract(rejected.ref, '#(\d+)', 1), '') AS number,
        newest_scopes.scope IS NOT NULL AS is_of_newest_load
    FROM ops.rejected_records AS rejected
    JOIN loads ON loads.load_id = rejected.load_id
    LEFT JOIN newest_scopes
        ON newest_scopes.load_id = rejected.load_id AND newest_scopes.scope = rejected.scope
    WHERE rejected.source = 'github' AND rejected.is_lost
),

lost AS (
    SELECT
        rejects.scope,
        reporting_month(pulls.created_at_utc) AS month_start,
        count(DISTINCT rejects.place) AS rejected
    FROM rejects
    LEFT JOIN core.pull_requests AS pulls ON pulls.pr_id = rejects.scope || '/pull/' || rejects.number
    WHERE (rejects.number IS NULL AND rejects.is_of_newest_load)
        OR (rejects.number IS NOT NULL AND NOT EXISTS (
            FROM landing.github__pull_requests__versions AS later
            WHERE later.pull_request_id = rejects.scope || '/pull/' || rejects.number
                AND later._load > rejects.ordinal
        ))
    GROUP BY rejects.scope, reporting_month(pulls.created_at_utc)
),

-- The newest count of each repository as a whole, and what was stored of the time it counts. The same ids
-- count once, so where the wholes agree, every month does.
wholes AS (
    SELECT
        counts.repository_id AS scope,
        counts._load,
        counts.expected,
        counts.first_utc,
        counts.after_utc AT TIME ZONE 'UTC' AS after_utc,
        counts.expected = count(pulls.pull_request_id) AS agrees
    FROM landing.github__expected_counts AS counts
    LEFT JOIN landing.github__pull_requests AS pulls
        ON pulls.repository_id = counts.repository_id
        AND pulls.created_at_utc >= coalesce(counts.first_utc, TIMESTAMPTZ '0001-01-01 00:00:00+00')
        AND pulls.created_at_utc < counts.after_utc
    WHERE counts.month_start IS NULL
    GROUP BY counts.repository_id, counts._load, counts.expected, counts.first_utc, counts.after_utc
),

single_months AS (
    SELECT counts.repository_id AS scope, counts.month_start, counts.expected
    FROM landing.github__expected_counts AS counts
    JOIN wholes ON wholes.scope = counts.repository_id AND wholes._load = counts._load
    WHERE counts.month_start IS NOT NULL
),

compared AS (
    SELECT
        scopes.scope,
        CASE
            WHEN months.month_start >= scopes.gap_from OR open_months.month_start IS NOT NULL THEN scopes.gap
        END AS gap,
        untold.gap AS untold,
        months.month_start,
        coalesce(stored.stored, 0) AS stored,
        coalesce(deleted.deleted, 0) AS deleted,
        CASE
            WHEN reporting_month(wholes.first_utc) >= months.month_start THEN NULL
            -- a count that is older than what was read says nothing of what came after it
            WHEN wholes.after_utc < scopes.read_at_utc AND months.month_start >= reporting_month(wholes.after_utc)
                THEN NULL
            WHEN wholes.agrees THEN coalesce(stored.stored, 0)
            ELSE single_months.expected
        END AS expected,
        coalesce(lost.rejected, 0) + coalesce(somewhere.rejected, 0) AS rejected,
        coalesce(lost.rejected, 0) AS rejected_here,
        coalesce(reporting_month(wholes.first_utc) >= months.month_start, false) AS is_before_since
    FROM scopes
    JOIN months ON months.month_start <= scopes.last_month
    LEFT JOIN open_months
        ON open_months.scope = scopes.scope AND open_months.month_start = months.month_start
    LEFT JOIN untold ON untold.scope = scopes.scope
    LEFT JOIN deleted ON deleted.scope = scopes.scope AND deleted.month_start = months.month_start
    LEFT JOIN stored ON stored.scope = scopes.scope AND stored.month_start = months.month_start
    LEFT JOIN lost ON lost.scope = scopes.scope AND lost.month_start = months.month_start
    LEFT JOIN lost AS somewhere ON somewhere.scope = scopes.scope AND somewhere.month_start IS NULL
    LEFT JOIN wholes ON wholes.scope = scopes.scope
    LEFT JOIN single_months
        ON single_months.scope = scopes.scope AND single_months.month_start = months.month_start
)

SELECT
    'github' AS source,
    scope,
    month_start,
    stored,
    expected,
    rejected,
    deleted,
    CASE
        WHEN gap IS NOT NULL OR rejected > 0 OR stored < expected THEN 'incomplete'
        WHEN stored > expected AND untold IS NOT NULL THEN 'incomplete'
        WHEN stored = expected THEN 'complete'
        ELSE 'unknown'
    END AS status,
    CASE
        WHEN gap IS NOT NULL THEN gap
        WHEN rejected_here > 0 THEN 'records of this month were rejected (ops.rejected_records)'
        WHEN rejected > 0 THEN 'pull requests of unknown month were rejected (ops.rejected_records)'
        WHEN stored < expected THEN 'fewer pull requests are stored than the source counts'
        WHEN stored > expected AND untold IS NOT NULL THEN untold
        WHEN stored > expected THEN 'more pull requests are stored than the source counts now'
        WHEN is_before_since THEN 'before the configured since'
        WHEN expected IS NULL THEN 'the source did not say how many there should be'
    END AS reason
FROM compared
ORDER BY scope, month_start
