-- One row per unbroken piece of a person's on-call time: the union of their shifts up to the as-of.
-- Cut where a month begins and where their team changes, so that each piece has one month and one team.
WITH shifts AS (
    SELECT person_id, start_at_utc, least(coalesce(end_at_utc, $as_of_utc), $as_of_utc) AS end_at_utc
    FROM core.oncall_shifts
    WHERE person_id IS NOT NULL
        AND start_at_utc < least(coalesce(end_at_utc, $as_of_utc), $as_of_utc)
),

reached AS (
    SELECT
        *,
        max(end_at_utc) OVER (
            PARTITION BY person_id ORDER BY start_at_utc, end_at_utc ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS reached_at_utc
    FROM shifts
),

-- Shifts alike, as of somebody in two rotas at once, are peers of this window: they cannot fall into two pieces.
islands AS (
    SELECT
        *,
        count(*) FILTER (WHERE reached_at_utc IS NULL OR start_at_utc > reached_at_utc) OVER (
            PARTITION BY person_id ORDER BY start_at_utc, end_at_utc
        ) AS island
    FROM reached
),

united AS (
    SELECT person_id, min(start_at_utc) AS start_at_utc, max(end_at_utc) AS end_at_utc
    FROM islands
    GROUP BY person_id, island
),

cuts AS (
    SELECT united.person_id, united.start_at_utc AS island_start, months.start_utc AS cut_utc
    FROM united
    JOIN core.months AS months
        ON months.start_utc > united.start_at_utc AND months.start_utc < united.end_at_utc
    UNION
    SELECT united.person_id, united.start_at_utc, changes.change_utc
    FROM united
    JOIN (
        SELECT person_id, unnest([from_at_utc, to_at_utc]) AS change_utc FROM core.memberships
    ) AS changes
        ON changes.person_id = united.person_id
        AND changes.change_utc > united.start_at_utc
        AND changes.change_utc < united.end_at_utc
),

starts AS (
    SELECT person_id, start_at_utc AS island_start, start_at_utc FROM united
    UNION
    SELECT person_id, island_start, cut_utc FROM cuts
)

SELECT
    starts.person_id,
    starts.start_at_utc,
    coalesce(
        lead(starts.start_at_utc) OVER (
            PARTITION BY starts.person_id, starts.island_start ORDER BY starts.start_at_utc
        ),
        united.end_at_utc
    ) AS end_at_utc
FROM starts
JOIN united ON united.person_id = starts.person_id AND united.start_at_utc = starts.island_start
ORDER BY starts.person_id, starts.start_at_utc
