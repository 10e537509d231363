-- One row per person and day that does not count; place rows go to those who were there on that day.
WITH days AS (
    SELECT
        applies_to,
        kind,
        unnest(generate_series(first_day, last_day, INTERVAL 1 DAY))::DATE AS date
    FROM landing.organization__calendar
)

SELECT DISTINCT
    CASE WHEN days.applies_to = '*' THEN '*' ELSE people.person_id END AS person_id,
    days.date,
    days.kind
FROM days
LEFT JOIN landing.organization__people AS people
    ON (days.applies_to = 'person:' || people.person_id OR days.applies_to = 'place:' || people.place)
    AND days.date >= coalesce(people.valid_from, DATE '0001-01-01')
    AND days.date < coalesce(people.valid_to, DATE '9999-12-31')
WHERE days.applies_to = '*' OR people.person_id IS NOT NULL
