-- One row per person and night, 22:00 to 08:00 in their zone at that evening, that overlaps their on-call time.
-- A night is called by the date of its evening.
WITH zones AS (
    SELECT
        people.person_id,
        coalesce(roster.tz, people.tz) AS tz,
        coalesce(roster.valid_from_utc, TIMESTAMP '0001-01-01') AS valid_from_utc,
        coalesce(roster.valid_to_utc, TIMESTAMP '9999-12-31') AS valid_to_utc
    FROM core.people AS people
    LEFT JOIN core.roster AS roster ON roster.person_id = people.person_id
),

evenings AS (
    SELECT DISTINCT
        shifts.person_id,
        zones.tz,
        zones.valid_from_utc,
        zones.valid_to_utc,
        unnest(generate_series(
            local_time(shifts.start_at_utc, zones.tz)::DATE - 1,
            local_time(shifts.end_at_utc, zones.tz)::DATE,
            INTERVAL 1 DAY
        ))::DATE AS evening
    FROM core.oncall_time AS shifts
    JOIN zones
        ON zones.person_id = shifts.person_id
        AND zones.valid_from_utc < shifts.end_at_utc + INTERVAL 2 DAY
        AND zones.valid_to_utc > shifts.start_at_utc - INTERVAL 2 DAY
),

nights AS (
    SELECT
        person_id,
        evening,
        valid_from_utc,
        valid_to_utc,
        instant_utc(evening + TIME '22:00', tz) AS start_utc,
        instant_utc(evening + 1 + TIME '08:00', tz) AS end_utc
    FROM evenings
),

-- Whoever takes on another zone between two evenings at 22:00 has one night all the same.
on_call AS (
    SELECT person_id, evening, min(start_utc) AS start_utc, max(end_utc) AS end_utc
    FROM nights
    WHERE start_utc >= valid_from_utc
        AND start_utc < valid_to_utc
        AND EXISTS (
            FROM core.oncall_time AS shifts
            WHERE shifts.person_id = nights.person_id
                AND shifts.start_at_utc < nights.end_utc
                AND shifts.end_at_utc > nights.start_utc
        )
    GROUP BY person_id, evening
)

SELECT
    'person' AS subject_kind,
    on_call.person_id AS subject_id,
    'night/' || on_call.person_id || '/' || on_call.evening AS case_id,
    on_call.evening::VARCHAR AS ref,
    on_call.person_id AS contributor_id,
    NULL AS source_url,
    on_call.start_utc AS anchor_at_utc,
    CASE WHEN count(interruptions.person_id) > 0 THEN 'disturbed' ELSE 'quiet' END AS outcome,
    CASE WHEN count(interruptions.person_id) > 0 THEN 'interrupted' ELSE 'no_interruption' END AS why,
    NULL AS amount,
    NULL AS exposure
FROM on_call
LEFT JOIN core.interruptions AS interruptions
    ON interruptions.person_id = on_call.person_id
    AND interruptions.started_at_utc >= on_call.start_utc
    AND interruptions.started_at_utc < on_call.end_utc
GROUP BY on_call.person_id, on_call.evening, on_call.start_utc
