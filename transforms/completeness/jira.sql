-- One row per project and month of creation. A project that could not be read has every month missing.
WITH months AS (
    SELECT unnest(generate_series(
        coalesce((SELECT min(reporting_month(created_at_utc)) FROM core.tickets), reporting_month($as_of_utc)),
        reporting_month($as_of_utc),
        INTERVAL 1 MONTH
    ))::DATE AS month_start
),

scopes AS (
    SELECT scope, gap
    FROM newest_scopes
    WHERE source = 'jira'
        AND scope <> 'jira:site'
        AND (
            load_id = (SELECT max_by(load_id, (known_at_utc, load_id)) FROM ops.loads WHERE source = 'jira')
            OR scope IN (SELECT project_id FROM landing.jira__projects)
        )
        AND (scope LIKE 'jira:project/%' OR gap IS NOT NULL)
),

stored AS (
    SELECT
        landed.project_id AS scope,
        reporting_month(tickets.created_at_utc) AS month_start,
        count(*) AS stored
    FROM core.tickets AS tickets
    JOIN landing.jira__tickets AS landed ON landed.ticket_id = tickets.ticket_id
    GROUP BY landed.project_id, reporting_month(tickets.created_at_utc)
),

-- Jira counts whatever it has then, also what was created after the as-of: that does not exist yet in core.
by_project AS (
    SELECT project_id AS scope, count(*) AS stored FROM landing.jira__tickets GROUP BY project_id
),

-- The same ids count once, so where the wholes agree, every month does.
agreement AS (
    SELECT
        scopes.scope,
        CASE
            WHEN own._load >= coalesce(together._load, 0) THEN own.expected
            WHEN together.expected = (SELECT count(*) FROM landing.jira__tickets) THEN coalesce(by_project.stored, 0)
        END AS expected,
        coalesce(by_project.stored, 0) AS stored
    FROM scopes
    LEFT JOIN by_project ON by_project.scope = scopes.scope
    LEFT JOIN landing.jira__expected_counts AS own ON own.project_id = scopes.scope
    LEFT JOIN landing.jira__expected_counts AS together ON together.project_id IS NULL
),

lost AS (
    SELECT rejected.scope, count(*) AS rejected
    FROM ops.rejected_records AS rejected
    JOIN newest_scopes ON newest_scopes.load_id = rejected.load_id AND newest_scopes.scope = rejected.scope
    WHERE rejected.source = 'jira' AND rejected.is_lost
    GROUP BY rejected.scope
),

deleted AS (
    SELECT gone.scope, reporting_month(gone.created_at_utc) AS month_start, count(*) AS deleted
    FROM (
        SELECT
            arg_max(versions.project_id, (versions._load, versions._page)) AS scope,
            min(versions.created_at_utc) AT TIME ZONE 'UTC' AS created_at_utc
        FROM landing.jira__tickets__versions AS versions
        JOIN landing.jira__removals AS removals ON removals.ticket_id = versions.ticket_id
        WHERE NOT EXISTS (FROM landing.jira__tickets AS tickets WHERE tickets.ticket_id = versions.ticket_id)
        GROUP BY versions.ticket_id
    ) AS gone
    GROUP BY gone.scope, reporting_month(gone.created_at_utc)
),

compared AS (
    SELECT
        scopes.scope,
        scopes.gap,
        months.month_start,
        coalesce(stored.stored, 0) AS stored,
        CASE WHEN agreement.expected = agreement.stored THEN coalesce(stored.stored, 0) END AS expected,
        coalesce(lost.rejected, 0) AS rejected,
        coalesce(deleted.deleted, 0) AS deleted,
        agreement.stored < agreement.expected AS is_short
    FROM scopes
    CROSS JOIN months
    JOIN agreement ON agreement.scope = scopes.scope
    LEFT JOIN stored ON stored.scope = scopes.scope AND stored.month_start = months.month_start
    LEFT JOIN lost ON lost.scope = scopes.scope
    LEFT JOIN deleted ON deleted.scope = scopes.scope AND deleted.month_start = months.month_start
)

SELECT
    'jira' AS source,
    scope,
    month_start,
    stored,
    expected,
    rejected,
    deleted,
    CASE
        WHEN gap IS NOT NULL OR rejected > 0 OR coalesce(is_short, false) THEN 'incomplete'
        WHEN stored = expected THEN 'complete'
        ELSE 'unknown'
    END AS status,
    CASE
        WHEN gap IS NOT NULL THEN gap
        WHEN rejected > 0 THEN 'records of this project were rejected (ops.rejected_records)'
        WHEN is_short THEN 'fewer tickets of this project are stored than the source counts'
        WHEN expected IS NULL THEN 'the source did not say how many there should be'
    END AS reason
FROM compared
ORDER BY scope, month_start
