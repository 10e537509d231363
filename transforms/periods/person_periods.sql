-- One row per rostered person and period: which segment it belongs to, and why it is kept out of series.
WITH stretches AS (
    SELECT
        *,
        lag(person_id) OVER (PARTITION BY person_id ORDER BY valid_from_utc NULLS FIRST) AS person_before,
        lag(role) OVER (PARTITION BY person_id ORDER BY valid_from_utc NULLS FIRST) AS role_before,
        lag(level) OVER (PARTITION BY person_id ORDER BY valid_from_utc NULLS FIRST) AS level_before,
        lag(team_id) OVER (PARTITION BY person_id ORDER BY valid_from_utc NULLS FIRST) AS team_before,
        lag(valid_to_utc) OVER (PARTITION BY person_id ORDER BY valid_from_utc NULLS FIRST) AS left_utc
    FROM core.roster
),

-- Days away that follow each other, with at most a weekend and a holiday between them, are one absence.
away_days AS (
    SELECT
        person_id,
        date,
        count(*) FILTER (WHERE is_first) OVER (PARTITION BY person_id ORDER BY date) AS absence
    FROM (
        SELECT
            person_id,
            date,
            coalesce(date - lag(date) OVER (PARTITION BY person_id ORDER BY date) > 4, true) AS is_first
        FROM core.calendar
        WHERE kind = 'absence' AND person_id <> '*'
    )
),

-- Local dates, not instants: who comes back on the 1st comes back in that month, wherever they are.
changes AS (
    SELECT person_id, reporting_month(valid_from_utc) AS changed_on
    FROM stretches
    WHERE person_before IS NOT NULL
        AND (
            role IS DISTINCT FROM role_before
            OR level IS DISTINCT FROM level_before
            OR team_id IS DISTINCT FROM team_before
            OR reporting_date(valid_from_utc) >= reporting_date(left_utc) + INTERVAL 3 MONTH
        )
    UNION ALL
    SELECT person_id, max(date) + 1
    FROM away_days
    GROUP BY person_id, absence
    HAVING max(date) + 1 >= min(date) + INTERVAL 3 MONTH
),

-- Days the person would have worked, had they not been away. Who never was needs none.
role_days AS (
    SELECT
        roster.person_id,
        local_days.local_date,
        EXISTS (
            FROM core.calendar AS calendar
            WHERE calendar.person_id = roster.person_id
                AND calendar.date = local_days.local_date
                AND calendar.kind = 'absence'
        ) AS is_away
    FROM core.roster AS roster
    JOIN local_days
        ON local_days.tz = roster.tz
        AND local_days.start_utc >= coalesce(roster.valid_from_utc, TIMESTAMP '0001-01-01')
        AND local_days.start_utc < coalesce(roster.valid_to_utc, TIMESTAMP '9999-12-31')
        AND list_contains(roster.working_days, isodow(local_days.local_date))
    WHERE roster.person_id IN (SELECT person_id FROM away_days)
        AND NOT EXISTS (
            FROM core.calendar AS calendar
            WHERE calendar.person_id IN (roster.person_id, '*')
                AND calendar.date = local_days.local_date
                AND calendar.kind = 'holiday'
        )
),

counted_days AS (
    SELECT
        role_days.person_id,
        periods.grain,
        periods.period,
        count(*) AS n_days,
        count(*) FILTER (WHERE role_days.is_away) AS n_away
    FROM role_days
    JOIN reporting_periods AS periods
        ON role_days.local_date >= periods.period_start AND role_days.local_date < periods.next_start
    GROUP BY role_days.person_id, periods.grain, periods.period
)

SELECT
    people.person_id,
    periods.grain,
    periods.period,
    periods.period_start,
    (SELECT count(*) FROM changes
        WHERE changes.person_id = people.person_id AND changes.changed_on < periods.next_start)::INTEGER AS segment,
    CASE
        WHEN NOT EXISTS (
            FROM core.roster AS roster
            WHERE roster.person_id = people.person_id
                AND coalesce(roster.valid_from_utc, TIMESTAMP '0001-01-01') < periods.end_utc
                AND coalesce(roster.valid_to_utc, TIMESTAMP '9999-12-31') > periods.start_utc
        ) THEN 'not_in_role'
        WHEN counted_days.n_away * 2 >= counted_days.n_days AND counted_days.n_away > 0 THEN 'absent'
    END AS hole
FROM core.people AS people
CROSS JOIN reporting_periods AS periods
LEFT JOIN counted_days
    ON counted_days.person_id = people.person_id
    AND counted_days.grain = periods.grain
    AND counted_days.period = periods.period
WHERE people.is_rostered
