-- One row per incident and person it was assigned to: the first assignment, and what ended it first.
--
-- Where several things happen in one instant, the person's own answer counts before a timeout, and a timeout
-- before what others do. Nothing is moved away from somebody to whom it is given again in that instant.
WITH given AS (
    SELECT incident_id, to_user_id AS person_id, occurred_at_utc
    FROM core.incident_log
    WHERE type IN ('assign', 'escalate', 'reassign') AND to_user_id IS NOT NULL
),

units AS (
    SELECT given.incident_id, given.person_id, min(given.occurred_at_utc) AS assigned_at_utc
    FROM given
    LEFT JOIN core.people AS people ON people.person_id = given.person_id
    WHERE NOT coalesce(people.is_bot, false)
    GROUP BY given.incident_id, given.person_id
),

ends AS (
    SELECT
        units.incident_id,
        units.person_id,
        events.occurred_at_utc AS ended_at_utc,
        CASE
            WHEN events.type IN ('acknowledge', 'resolve') AND events.user_id = units.person_id
                AND coalesce(events.via, 'manual') <> 'merge' THEN 1
            WHEN events.type IN ('escalate', 'reassign') AND events.user_id = units.person_id
                AND coalesce(events.via, 'manual') = 'manual' THEN 1
            WHEN events.type = 'escalate' AND events.via = 'timeout' THEN 2
            WHEN events.type = 'resolve' AND events.via = 'merge' THEN 3
            WHEN events.type = 'resolve' AND (events.user_id IS NULL OR events.via IN ('integration', 'timeout'))
                THEN 4
            WHEN events.type = 'resolve' THEN 5
            WHEN events.type = 'acknowledge' THEN 6
            ELSE 7
        END AS kind
    FROM units
    JOIN core.incident_log AS events
        ON events.incident_id = units.incident_id AND events.occurred_at_utc >= units.assigned_at_utc
    WHERE (events.type = 'acknowledge' AND events.user_id IS NOT NULL)
        OR events.type = 'resolve'
        OR (
            events.type IN ('escalate', 'reassign')
            AND events.to_user_id IS DISTINCT FROM units.person_id
            AND NOT EXISTS (
                FROM given AS again
                WHERE again.incident_id = units.incident_id
                    AND again.person_id = units.person_id
                    AND again.occurred_at_utc = events.occurred_at_utc
            )
        )
    UNION ALL
    -- Where the log does not show the end, the incident itself may.
    SELECT units.incident_id, units.person_id, incidents.resolved_at_utc,
        CASE WHEN incidents.merged_into IS NOT NULL THEN 3 ELSE 4 END
    FROM units
    JOIN core.incidents AS incidents ON incidents.incident_id = units.incident_id
    WHERE incidents.resolved_at_utc >= units.assigned_at_utc
        AND NOT EXISTS (
            FROM core.incident_log AS log WHERE log.incident_id = units.incident_id AND log.type = 'resolve'
        )
),

first_ends AS (
    SELECT *
    FROM ends
    QUALIFY row_number() OVER (PARTITION BY incident_id, person_id ORDER BY ended_at_utc, kind) = 1
),

measured AS (
    SELECT
        units.*,
        ended.ended_at_utc,
        epoch_us(coalesce(ended.ended_at_utc, $as_of_utc)) - epoch_us(units.assigned_at_utc) AS waited_us,
        -- A service may have a target of its own.
        coalesce(
            list_extract($ack_targets_us, list_position($ack_services, incidents.service_id)), $ack_target_us
        ) AS target_us,
        CASE
            WHEN incidents.urgency = 'low' THEN 'low_urgency'
            WHEN shifts.person_id IS NULL THEN 'not_on_call'
        END AS excluded_why,
        CASE ended.kind
            WHEN 1 THEN 'responded'
            WHEN 2 THEN 'timed_out'
            WHEN 3 THEN 'merged'
            WHEN 4 THEN 'auto_resolved'
            WHEN 5 THEN 'resolved_by_other'
            WHEN 6 THEN 'acked_by_other'
            WHEN 7 THEN 'moved_by_other'
        END AS ended_by
    FROM units
    JOIN core.incidents AS incidents ON incidents.incident_id = units.incident_id
    LEFT JOIN first_ends AS ended
        ON ended.incident_id = units.incident_id AND ended.person_id = units.person_id
    LEFT JOIN core.oncall_time AS shifts
        ON shifts.person_id = units.person_id
        AND units.assigned_at_utc >= shifts.start_at_utc
        AND (
            units.assigned_at_utc < shifts.end_at_utc
            -- On-call time is cut at the as-of, which is an instant of the world like any other.
            OR (units.assigned_at_utc = shifts.end_at_utc AND units.assigned_at_utc = $as_of_utc)
        )
)

SELECT
    incident_id || '/page/' || person_id AS case_id,
    incident_id,
    person_id,
    assigned_at_utc,
    ended_at_utc,
    waited_us,
    CASE
        WHEN excluded_why IS NOT NULL THEN 'excluded'
        WHEN ended_by = 'responded' AND waited_us <= target_us THEN 'in_time'
        WHEN ended_by IN ('responded', 'timed_out') OR waited_us > target_us THEN 'late'
        WHEN ended_by IS NULL THEN 'pending'
        ELSE 'excluded'
    END AS outcome,
    CASE
        WHEN excluded_why IS NOT NULL THEN excluded_why
        WHEN ended_by IS NULL THEN CASE WHEN waited_us > target_us THEN 'unanswered' ELSE 'open' END
        WHEN waited_us > target_us AND ended_by NOT IN ('responded', 'timed_out') THEN ended_by || '_late'
        ELSE ended_by
    END AS why
FROM measured
ORDER BY assigned_at_utc, incident_id, person_id
