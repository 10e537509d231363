-- One row per production defect of a pull request, in the sprint that shipped the change; and one per sprint, for
-- each person who has shipped anything, and for their team then, from the quarter of the first sprint they shipped in.
WITH shipped AS (
    SELECT pr_id, min(finished_at_utc) AS shipped_at_utc
    FROM (
        SELECT finished_at_utc, unnest(pr_ids) AS pr_id
        FROM core.deployments
        WHERE environment = 'production' AND status = 'success' AND kind IS DISTINCT FROM 'rollback'
    )
    GROUP BY pr_id
),

changes AS (
    SELECT pulls.pr_id, pulls.author_id, shipped.shipped_at_utc, sprints.sprint_id, sprints.end_at_utc
    FROM shipped
    JOIN core.pull_requests AS pulls ON pulls.pr_id = shipped.pr_id
    LEFT JOIN core.people AS authors ON authors.person_id = pulls.author_id
    JOIN core.sprints AS sprints
        ON shipped.shipped_at_utc >= sprints.start_at_utc AND shipped.shipped_at_utc < sprints.end_at_utc
    WHERE pulls.author_id IS NOT NULL AND NOT coalesce(authors.is_bot, false)
),

subjects AS (
    SELECT pr_id, 'person' AS subject_kind, author_id AS subject_id FROM changes
    UNION
    SELECT changes.pr_id, 'team', memberships.team_id
    FROM changes
    JOIN core.memberships AS memberships
        ON memberships.person_id = changes.author_id
        AND changes.end_at_utc >= coalesce(memberships.from_at_utc, TIMESTAMP '0001-01-01')
        AND changes.end_at_utc < coalesce(memberships.to_at_utc, TIMESTAMP '9999-12-31')
),

found AS (
    SELECT
        defects.defect_id,
        defects.ref,
        defects.source_url,
        changes.pr_id,
        changes.author_id,
        changes.sprint_id,
        changes.end_at_utc,
        CASE
            WHEN defects.status IS DISTINCT FROM 'confirmed' THEN coalesce(defects.status, 'not_confirmed')
            WHEN defects.found_in IS DISTINCT FROM 'production' THEN 'not_in_production'
            WHEN defects.link = 'heuristic' THEN 'suspected'
            WHEN defects.reported_at_utc < changes.shipped_at_utc THEN 'before_shipping'
            WHEN defects.reported_at_utc > changes.shipped_at_utc + to_days($window_days) THEN 'too_late'
        END AS excluded_why
    FROM core.defects AS defects
    JOIN changes ON changes.pr_id = defects.introduced_by_pr_id
)

SELECT
    subjects.subject_kind,
    subjects.subject_id,
    found.defect_id || '/shipped' AS case_id,
    coalesce(found.ref, found.defect_id) AS ref,
    CASE WHEN subjects.subject_kind = 'person' THEN found.author_id END AS contributor_id,
    found.source_url,
    found.end_at_utc AS anchor_at_utc,
    CASE WHEN found.excluded_why IS NULL THEN 'counted' ELSE 'excluded' END AS outcome,
    coalesce(found.excluded_why, found.sprint_id) AS why,
    NULL AS amount,
    NULL AS exposure
FROM found
JOIN subjects ON subjects.pr_id = found.pr_id
UNION ALL
SELECT
    everybody.subject_kind,
    everybody.subject_id,
    sprints.sprint_id || '/ended',
    sprints.sprint_id,
    CASE WHEN everybody.subject_kind = 'person' THEN everybody.subject_id END,
    NULL,
    sprints.end_at_utc,
    'sprint',
    'sprint',
    NULL,
    1
FROM (
    SELECT subjects.subject_kind, subjects.subject_id, min(changes.end_at_utc) AS first_utc
    FROM subjects
    JOIN changes ON changes.pr_id = subjects.pr_id
    GROUP BY subjects.subject_kind, subjects.subject_id
) AS everybody
JOIN core.sprints AS sprints
    ON sprints.end_at_utc
        >= reporting_midnight(date_trunc('quarter', reporting_date(everybody.first_utc))::DATE)
