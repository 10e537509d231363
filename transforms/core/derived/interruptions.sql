-- One row per interruption of a person on call: notifications at most 60 seconds after the one before are one.
WITH received AS (
    SELECT
        log.user_id AS person_id,
        log.incident_id,
        log.occurred_at_utc,
        lag(log.occurred_at_utc) OVER (PARTITION BY log.user_id ORDER BY log.occurred_at_utc) AS before_utc
    FROM core.incident_log AS log
    JOIN core.oncall_time AS shifts
        ON shifts.person_id = log.user_id
        AND log.occurred_at_utc >= shifts.start_at_utc
        AND log.occurred_at_utc < shifts.end_at_utc
    LEFT JOIN core.people AS people ON people.person_id = log.user_id
    WHERE log.type = 'notify'
        AND log.channel IN ('push', 'phone', 'sms')
        AND NOT coalesce(people.is_bot, false)
),

-- What is received in one instant, as by push and by phone, is a peer of this window: it cannot fall into two.
numbered AS (
    SELECT
        *,
        count(*) FILTER (
            WHERE before_utc IS NULL OR epoch_us(occurred_at_utc) - epoch_us(before_utc) > 60000000
        ) OVER (PARTITION BY person_id ORDER BY occurred_at_utc) AS interruption
    FROM received
),

united AS (
    SELECT
        person_id,
        min(occurred_at_utc) AS started_at_utc,
        arg_min(incident_id, (occurred_at_utc, incident_id)) AS incident_id,
        list_sort(list(DISTINCT incident_id)) AS incident_ids
    FROM numbered
    GROUP BY person_id, interruption
),

local_times AS (
    SELECT
        united.*,
        local_time(united.started_at_utc, coalesce(roster.tz, people.tz, $reporting_timezone)) AS at_local
    FROM united
    LEFT JOIN core.people AS people ON people.person_id = united.person_id
    LEFT JOIN core.roster AS roster
        ON roster.person_id = united.person_id
        AND united.started_at_utc >= coalesce(roster.valid_from_utc, TIMESTAMP '0001-01-01')
        AND united.started_at_utc < coalesce(roster.valid_to_utc, TIMESTAMP '9999-12-31')
)

SELECT
    person_id || '/interruption/' || epoch_us(started_at_utc) AS case_id,
    person_id,
    started_at_utc,
    incident_id,
    incident_ids,
    CASE
        WHEN hour(at_local) >= 22 OR hour(at_local) < 8 THEN 'sleep'
        WHEN isodow(at_local) <= 5 AND hour(at_local) < 18 THEN 'business'
        ELSE 'off'
    END AS band
FROM local_times
ORDER BY person_id, started_at_utc
