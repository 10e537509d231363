-- One row per month, key service, change deployed to it in the 90 days before the month's end, and person who
-- wrote or approved that change. Deployments that did not reach production count for nothing.
WITH month_ends AS (
    SELECT month_start, end_utc
    FROM core.months
    WHERE end_utc <= $as_of_utc
),

deployed AS (
    SELECT pr_ids, finished_at_utc, unnest(service_ids) AS service_id
    FROM core.deployments
    WHERE environment = 'production' AND status = 'success'
),

shipped AS (
    SELECT service_id, finished_at_utc, unnest(pr_ids) AS pr_id
    FROM deployed
),

changes AS (
    SELECT DISTINCT month_ends.month_start, month_ends.end_utc, shipped.service_id, shipped.pr_id
    FROM month_ends
    JOIN shipped
        ON shipped.finished_at_utc < month_ends.end_utc
        AND shipped.finished_at_utc >= month_ends.end_utc - to_hours(24 * $window_days)
    JOIN core.services AS services
        ON services.service_id = shipped.service_id
        AND services.tier <= 2
        AND month_ends.end_utc > coalesce(services.valid_from_utc, TIMESTAMP '0001-01-01')
        AND month_ends.end_utc <= coalesce(services.valid_to_utc, TIMESTAMP '9999-12-31')
),

known_by AS (
    SELECT pr_id, author_id AS person_id, 'wrote' AS why FROM core.pull_requests WHERE author_id IS NOT NULL
    UNION ALL
    SELECT DISTINCT reviews.pr_id, reviews.reviewer_id, 'approved'
    FROM core.reviews AS reviews
    JOIN core.pull_requests AS pulls ON pulls.pr_id = reviews.pr_id
    WHERE reviews.state = 'APPROVED'
        AND reviews.reviewer_id IS NOT NULL
        AND reviews.reviewer_id IS DISTINCT FROM pulls.author_id
        AND reviews.submitted_at_utc <= pulls.merged_at_utc
)

SELECT
    'service' AS subject_kind,
    changes.service_id AS subject_id,
    changes.pr_id || '/known-in/' || strftime(changes.month_start, '%Y-%m') || '/' || changes.service_id || '/'
        || known_by.why || '/' || row_number() OVER (
            PARTITION BY changes.month_start, changes.service_id, changes.pr_id, known_by.why
            ORDER BY known_by.person_id
        ) AS case_id,
    pulls.ref,
    known_by.person_id AS contributor_id,
    pulls.source_url,
    changes.end_utc - INTERVAL 1 MICROSECOND AS anchor_at_utc,
    'knows' AS outcome,
    known_by.why,
    NULL AS amount,
    NULL AS exposure
FROM changes
JOIN core.pull_requests AS pulls ON pulls.pr_id = changes.pr_id
JOIN known_by ON known_by.pr_id = changes.pr_id
LEFT JOIN core.people AS people ON people.person_id = known_by.person_id
WHERE NOT coalesce(people.is_bot, false)
