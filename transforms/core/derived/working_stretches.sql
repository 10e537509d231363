-- One row per stretch of working days that follow each other without a break, on each clock, cut where a week of
-- the clock begins; and one per week without any. A week is told by an instant alone, so that the row of an instant
-- is found by equality.
WITH days AS (
    SELECT
        *,
        start_utc IS DISTINCT FROM lag(end_utc) OVER (PARTITION BY person_id ORDER BY start_utc) AS is_first
    FROM core.working_clock
),

numbered AS (
    SELECT *, count(*) FILTER (WHERE is_first) OVER (PARTITION BY person_id ORDER BY start_utc) AS stretch
    FROM days
),

stretches AS (
    SELECT person_id, min(start_utc) AS start_utc, max(end_utc) AS end_utc
    FROM numbered
    GROUP BY person_id, stretch
),

-- Also the weeks after somebody's last stretch: what was worked is worked for good.
weeks AS (
    SELECT
        person_id,
        unnest(generate_series(
            clock_week(min(start_utc)), (SELECT max(end_utc) FROM local_days), INTERVAL 7 DAY
        )) AS week_utc
    FROM stretches
    GROUP BY person_id
),

pieces AS (
    SELECT
        person_id,
        week_utc,
        greatest(start_utc, week_utc) AS start_utc,
        least(end_utc, week_utc + INTERVAL 7 DAY) AS end_utc
    FROM (
        SELECT
            *,
            unnest(generate_series(
                clock_week(start_utc), end_utc - INTERVAL 1 MICROSECOND, INTERVAL 7 DAY
            )) AS week_utc
        FROM stretches
    )
),

placed AS (
    SELECT
        weeks.person_id,
        weeks.week_utc,
        coalesce(pieces.start_utc, weeks.week_utc) AS start_utc,
        coalesce(pieces.end_utc, weeks.week_utc) AS end_utc
    FROM weeks
    LEFT JOIN pieces ON pieces.person_id = weeks.person_id AND pieces.week_utc = weeks.week_utc
)

SELECT
    person_id,
    week_utc,
    CASE WHEN lag(start_utc) OVER of_week IS NULL THEN week_utc ELSE start_utc END AS from_utc,
    coalesce(lead(start_utc) OVER of_week, week_utc + INTERVAL 7 DAY) AS until_utc,
    start_utc,
    end_utc,
    coalesce(
        sum(epoch_us(end_utc) - epoch_us(start_utc)) OVER (
            PARTITION BY person_id ORDER BY start_utc ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ),
        0
    )::BIGINT AS worked_before_us
FROM placed
WINDOW of_week AS (PARTITION BY person_id, week_utc ORDER BY start_utc)
ORDER BY person_id, start_utc
