-- One row per working day of each rostered person, and of the organisation's clock '*'.
-- A day is cut where the person's roster row begins or ends, so that a change of zone counts no hour twice.
WITH clocks AS (
    SELECT
        person_id,
        tz,
        working_days,
        coalesce(valid_from_utc, TIMESTAMP '0001-01-01') AS valid_from_utc,
        coalesce(valid_to_utc, TIMESTAMP '9999-12-31') AS valid_to_utc
    FROM core.roster
    UNION ALL
    SELECT '*', $reporting_timezone, [1, 2, 3, 4, 5], TIMESTAMP '0001-01-01', TIMESTAMP '9999-12-31'
),

days AS (
    SELECT
        clocks.person_id,
        local_days.local_date,
        greatest(local_days.start_utc, clocks.valid_from_utc) AS start_utc,
        least(local_days.end_utc, clocks.valid_to_utc) AS end_utc
    FROM clocks
    JOIN local_days
        ON local_days.tz = clocks.tz
        AND local_days.end_utc > clocks.valid_from_utc
        AND local_days.start_utc < clocks.valid_to_utc
        AND list_contains(clocks.working_days, isodow(local_days.local_date))
    WHERE NOT EXISTS (
        FROM core.calendar AS calendar
        WHERE calendar.person_id = clocks.person_id AND calendar.date = local_days.local_date
    )
    AND NOT EXISTS (
        FROM core.calendar AS calendar
        WHERE calendar.person_id = '*' AND calendar.date = local_days.local_date
    )
)

SELECT
    person_id,
    local_date,
    start_utc,
    end_utc,
    (coalesce(
        sum(epoch_us(end_utc) - epoch_us(start_utc)) OVER (
            PARTITION BY person_id ORDER BY start_utc ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ),
        0
    ))::BIGINT AS worked_before_us
FROM days
WHERE end_utc > start_utc
ORDER BY person_id, start_utc
