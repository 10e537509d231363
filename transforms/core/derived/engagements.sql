-- One row per person, incident and month (and team) with engaged time: from the person's acknowledgement to
-- resolution or handover, without snoozed time. Time in two incidents belongs to the one engaged in first.
WITH answers AS (
    SELECT log.incident_id, log.user_id AS person_id, log.occurred_at_utc
    FROM core.incident_log AS log
    LEFT JOIN core.people AS people ON people.person_id = log.user_id
    WHERE log.type = 'acknowledge' AND log.user_id IS NOT NULL AND NOT coalesce(people.is_bot, false)
),

ends AS (
    SELECT incident_id, NULL AS to_user_id, occurred_at_utc
    FROM core.incident_log
    WHERE type = 'resolve'
    UNION ALL
    SELECT incident_id, NULL, resolved_at_utc
    FROM core.incidents
    WHERE resolved_at_utc IS NOT NULL
    UNION ALL
    SELECT incident_id, to_user_id, occurred_at_utc
    FROM core.incident_log
    WHERE type IN ('escalate', 'reassign') AND to_user_id IS NOT NULL
),

ended AS (
    SELECT
        answers.incident_id,
        answers.person_id,
        answers.occurred_at_utc AS start_at_utc,
        coalesce(
            min(ends.occurred_at_utc),
            -- Whoever acknowledges what was resolved before, and is not open again, is engaged in nothing.
            CASE WHEN any_value(incidents.resolved_at_utc) < answers.occurred_at_utc THEN answers.occurred_at_utc END,
            $as_of_utc
        ) AS end_at_utc
    FROM answers
    LEFT JOIN core.incidents AS incidents ON incidents.incident_id = answers.incident_id
    LEFT JOIN ends
        ON ends.incident_id = answers.incident_id
        -- Sources tell seconds: what ends in the second of the acknowledgement was ended.
        AND ends.occurred_at_utc >= answers.occurred_at_utc
        AND ends.to_user_id IS DISTINCT FROM answers.person_id
        AND (
            ends.to_user_id IS NULL
            OR NOT EXISTS (
                FROM ends AS again
                WHERE again.incident_id = answers.incident_id
                    AND again.to_user_id = answers.person_id
                    AND again.occurred_at_utc = ends.occurred_at_utc
            )
        )
    GROUP BY answers.incident_id, answers.person_id, answers.occurred_at_utc
),

-- A later acknowledgement in the same stretch changes nothing: same end, earlier start.
stretches AS (
    SELECT incident_id, person_id, min(start_at_utc) AS start_at_utc, end_at_utc
    FROM ended
    WHERE end_at_utc > start_at_utc
    GROUP BY incident_id, person_id, end_at_utc
),

snoozes AS (
    SELECT
        stretches.incident_id,
        stretches.person_id,
        log.occurred_at_utc AS start_at_utc,
        least(coalesce(log.until_utc, stretches.end_at_utc), stretches.end_at_utc) AS end_at_utc
    FROM stretches
    JOIN core.incident_log AS log
        ON log.incident_id = stretches.incident_id
        AND log.type = 'snooze'
        AND log.occurred_at_utc < stretches.end_at_utc
        AND coalesce(log.until_utc, stretches.end_at_utc) > stretches.start_at_utc
),

moments AS (
    SELECT person_id, unnest([start_at_utc, end_at_utc]) AS moment_utc FROM stretches
    UNION
    SELECT person_id, unnest([start_at_utc, end_at_utc]) FROM snoozes
    UNION
    SELECT stretches.person_id, months.start_utc
    FROM stretches
    JOIN core.months AS months
        ON months.start_utc > stretches.start_at_utc AND months.start_utc < stretches.end_at_utc
    UNION
    SELECT stretches.person_id, changes.change_utc
    FROM stretches
    JOIN (
        SELECT person_id, unnest([from_at_utc, to_at_utc]) AS change_utc FROM core.memberships
    ) AS changes
        ON changes.person_id = stretches.person_id
        AND changes.change_utc > stretches.start_at_utc
        AND changes.change_utc < stretches.end_at_utc
),

segments AS (
    SELECT
        person_id,
        moment_utc AS start_at_utc,
        lead(moment_utc) OVER (PARTITION BY person_id ORDER BY moment_utc) AS end_at_utc
    FROM moments
),

engaged AS (
    SELECT
        segments.person_id,
        stretches.incident_id,
        segments.start_at_utc,
        epoch_us(segments.end_at_utc) - epoch_us(segments.start_at_utc) AS engaged_us,
        row_number() OVER (
            PARTITION BY segments.person_id, segments.start_at_utc
            ORDER BY stretches.start_at_utc, stretches.incident_id
        ) = 1 AS is_first
    FROM segments
    JOIN stretches
        ON stretches.person_id = segments.person_id
        AND stretches.start_at_utc <= segments.start_at_utc
        AND stretches.end_at_utc >= segments.end_at_utc
    WHERE NOT EXISTS (
        FROM snoozes
        WHERE snoozes.person_id = segments.person_id
            AND snoozes.incident_id = stretches.incident_id
            AND snoozes.start_at_utc <= segments.start_at_utc
            AND snoozes.end_at_utc >= segments.end_at_utc
    )
),

-- A person without a team at that instant has a piece of its own all the same.
placed AS (
    SELECT
        engaged.*,
        reporting_month(engaged.start_at_utc) AS month_start,
        (
            SELECT list_sort(list(memberships.team_id))
            FROM core.memberships AS memberships
            WHERE memberships.person_id = engaged.person_id
                AND engaged.start_at_utc >= coalesce(memberships.from_at_utc, TIMESTAMP '0001-01-01')
                AND engaged.start_at_utc < coalesce(memberships.to_at_utc, TIMESTAMP '9999-12-31')
        ) AS teams
    FROM engaged
)

SELECT
    person_id,
    incident_id,
    min(start_at_utc) AS start_at_utc,
    sum(engaged_us)::BIGINT AS engaged_us,
    coalesce(sum(engaged_us) FILTER (WHERE is_first), 0)::BIGINT AS alone_us
FROM placed
GROUP BY person_id, incident_id, month_start, teams
ORDER BY person_id, start_at_utc, incident_id
