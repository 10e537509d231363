-- One row per goal, in the wording that held when it began. A later wording changes nothing and is said; one that
-- came before the goal began was an ordinary correction.
WITH versions AS (
    SELECT
        goals.*,
        goals._fetched_at_utc::TIMESTAMP AS known_at_utc,
        starts.start_utc,
        ends.start_utc AS end_utc
    FROM landing.organization__goals__versions AS goals
    LEFT JOIN reporting_days AS starts ON starts.local_date = goals.start_date
    LEFT JOIN reporting_days AS ends ON ends.local_date = goals.end_date + 1
),

ordered AS (
    SELECT goal_id, list(versions ORDER BY _load, _page, _place) AS wordings
    FROM versions
    GROUP BY goal_id
),

agreed AS (
    SELECT
        goal_id,
        wordings,
        list_reduce(
            wordings,
            lambda kept, next: CASE WHEN next.known_at_utc <= kept.start_utc THEN next ELSE kept END
        ) AS kept
    FROM ordered
),

later AS (
    SELECT
        *,
        list_filter(wordings, lambda each: each._load > kept._load AND each.content_hash <> kept.content_hash) AS edits,
        list_filter(wordings, lambda each: each.content_hash = kept.content_hash)[1].known_at_utc AS stored_at_utc,
        wordings[-1] AS newest
    FROM agreed
)

SELECT
    later.goal_id,
    kept.owner_kind,
    kept.owner_id,
    kept.title,
    kept.metric_id,
    kept.comparator,
    kept.target,
    kept.start_date,
    kept.end_date,
    kept.start_utc,
    kept.end_utc,
    kept.n_min,
    kept.denominator,
    kept.expected_n,
    kept.baseline_numerator,
    kept.baseline_denominator,
    kept.parent_goal,
    newest.outcome_text,
    kept.content_hash,
    stored_at_utc,
    stored_at_utc > kept.start_utc AS is_stored_late,
    edits[1].known_at_utc AS edited_at_utc,
    CASE
        WHEN len(edits) > 0 THEN nullif(concat_ws(
            '; ',
            CASE WHEN newest.owner_id <> kept.owner_id THEN 'owner ' || kept.owner_id || ' became ' || newest.owner_id END,
            CASE WHEN newest.metric_id IS DISTINCT FROM kept.metric_id
                THEN 'metric ' || coalesce(kept.metric_id, 'none') || ' became ' || coalesce(newest.metric_id, 'none') END,
            CASE WHEN newest.comparator IS DISTINCT FROM kept.comparator
                THEN 'comparator ' || coalesce(kept.comparator, 'none') || ' became ' || coalesce(newest.comparator, 'none')
            END,
            CASE WHEN newest.target IS DISTINCT FROM kept.target
                THEN 'target ' || coalesce(kept.target::VARCHAR, 'none') || ' became '
                    || coalesce(newest.target::VARCHAR, 'none') END,
            CASE WHEN newest.start_date <> kept.start_date
                THEN 'start ' || kept.start_date || ' became ' || newest.start_date END,
            CASE WHEN newest.end_date <> kept.end_date THEN 'end ' || kept.end_date || ' became ' || newest.end_date END,
            CASE WHEN newest.n_min IS DISTINCT FROM kept.n_min
                THEN 'n_min ' || coalesce(kept.n_min::VARCHAR, 'none') || ' became '
                    || coalesce(newest.n_min::VARCHAR, 'none') END,
            CASE WHEN newest.denominator IS DISTINCT FROM kept.denominator THEN 'the denominator rule changed' END,
            CASE WHEN newest.expected_n IS DISTINCT FROM kept.expected_n THEN 'the expected number changed' END,
            CASE WHEN newest.baseline_numerator IS DISTINCT FROM kept.baseline_numerator
                OR newest.baseline_denominator IS DISTINCT FROM kept.baseline_denominator
                THEN 'the baseline changed' END,
            CASE WHEN newest.parent_goal IS DISTINCT FROM kept.parent_goal THEN 'the parent goal changed' END,
            CASE WHEN newest.title <> kept.title THEN 'the title changed' END,
            CASE WHEN newest.content_hash = kept.content_hash THEN 'it was changed and changed back' END
        ), '')
    END AS edit,
    NOT EXISTS (
        FROM landing.organization__goals AS newest_file WHERE newest_file.goal_id = later.goal_id
    ) AS is_withdrawn
FROM later
WHERE kept.start_utc IS NOT NULL
