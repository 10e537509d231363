-- trends.periods with a no_activity row for every period between a series' first cell and the as-of. A person's
-- has the segment the person was in: nothing happens in a new role until something does.
WITH series AS (
    SELECT
        metric_id, definition_version, subject_kind, subject_id, grain, min(period_start) AS first_start
    FROM trends.periods
    GROUP BY metric_id, definition_version, subject_kind, subject_id, grain
)

SELECT
    series.metric_id,
    series.definition_version,
    series.subject_kind,
    series.subject_id,
    series.grain,
    states.period,
    states.period_start,
    states.state,
    coalesce(periods.status, 'no_activity') AS status,
    coalesce(periods.n, 0) AS n,
    coalesce(periods.n_pending, 0) AS n_pending,
    coalesce(periods.n_excluded, 0) AS n_excluded,
    coalesce(periods.disclosed, true) AS disclosed,
    coalesce(periods.segment, person_periods.segment, 0) AS segment,
    coalesce(periods.hole, person_periods.hole) AS hole,
    periods.* EXCLUDE (
        metric_id, definition_version, subject_kind, subject_id, grain, period, period_start, state, status, n,
        n_pending, n_excluded, disclosed, segment, hole
    )
FROM series
JOIN trends.period_states AS states
    ON states.metric_id = series.metric_id
    AND states.grain = series.grain
    AND states.period_start >= series.first_start
LEFT JOIN trends.periods AS periods
    ON periods.metric_id = series.metric_id
    AND periods.subject_kind = series.subject_kind
    AND periods.subject_id = series.subject_id
    AND periods.grain = series.grain
    AND periods.period_start = states.period_start
LEFT JOIN trends.person_periods AS person_periods
    ON series.subject_kind = 'person'
    AND person_periods.person_id = series.subject_id
    AND person_periods.grain = series.grain
    AND person_periods.period_start = states.period_start
