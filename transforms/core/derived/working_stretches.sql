-- One row per stretch of working days that follow each other without a break, on each clock.
WITH days AS (
    SELECT
        *,
        start_utc IS DISTINCT FROM lag(end_utc) OVER (PARTITION BY person_id ORDER BY start_utc) AS is_first
    FROM core.working_clock
),

numbered AS (
    SELECT *, count(*) FILTER (WHERE is_first) OVER (PARTITION BY person_id ORDER BY start_utc) AS stretch
    FROM days
)

SELECT
    person_id,
    min(start_utc) AS start_utc,
    max(end_utc) AS end_utc,
    min(worked_before_us) AS worked_before_us
FROM numbered
GROUP BY person_id, stretch
ORDER BY person_id, start_utc
