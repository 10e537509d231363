-- One row per entry of the log that means something to a metric, and person it was given to.
-- The first assignment is one; a later one, and a delegation, by a user is a reassignment.
WITH entries AS (
    SELECT
        log.*,
        min(log.occurred_at_utc) FILTER (WHERE log.type = 'assign') OVER (PARTITION BY log.incident_id)
            AS first_assign_utc,
        min(log.occurred_at_utc) FILTER (WHERE log.type = 'resolve') OVER (PARTITION BY log.incident_id)
            AS first_resolve_utc,
        incidents.merged_into_id IS NOT NULL AND log.occurred_at_utc >= incidents.resolved_at_utc AS is_merge
    FROM landing.pagerduty__log_entries AS log
    LEFT JOIN landing.pagerduty__incidents AS incidents ON incidents.incident_id = log.incident_id
)

SELECT
    entries.entry_id,
    entries.incident_id,
    CASE entries.type
        WHEN 'assign' THEN CASE WHEN entries.occurred_at_utc = entries.first_assign_utc THEN 'assign' ELSE 'reassign' END
        WHEN 'delegate' THEN 'reassign'
        WHEN 'trigger' THEN 'reopen'
        ELSE entries.type
    END AS type,
    entries.occurred_at_utc AT TIME ZONE 'UTC' AS occurred_at_utc,
    CASE
        WHEN entries.type = 'notify'
            THEN coalesce(notified.person_id, entries.notified_account_id)
        ELSE coalesce(agents.person_id, entries.agent_account_id)
    END AS user_id,
    coalesce(given.person_id, entries.given_to_account_id) AS to_user_id,
    CASE
        WHEN entries.type = 'notify' THEN NULL
        WHEN entries.type = 'resolve' AND entries.is_merge THEN 'merge'
        WHEN entries.channel = 'timeout' THEN 'timeout'
        WHEN entries.agent_kind = 'user' THEN 'manual'
        WHEN entries.type = 'escalate' THEN 'timeout'
        ELSE 'integration'
    END AS via,
    CASE entries.notification
        WHEN 'push_notification' THEN 'push'
        WHEN 'phone_notification' THEN 'phone'
        WHEN 'sms_notification' THEN 'sms'
        WHEN 'email_notification' THEN 'email'
    END AS channel,
    CASE
        WHEN entries.type = 'snooze'
            THEN entries.occurred_at_utc AT TIME ZONE 'UTC' + to_seconds(entries.snoozed_seconds)
    END AS until_utc
FROM entries
LEFT JOIN identities AS agents
    ON agents.account_id = entries.agent_account_id
    AND entries.occurred_at_utc >= agents.from_utc
    AND entries.occurred_at_utc < agents.to_utc
LEFT JOIN identities AS given
    ON given.account_id = entries.given_to_account_id
    AND entries.occurred_at_utc >= given.from_utc
    AND entries.occurred_at_utc < given.to_utc
LEFT JOIN identities AS notified
    ON notified.account_id = entries.notified_account_id
    AND entries.occurred_at_utc >= notified.from_utc
    AND entries.occurred_at_utc < notified.to_utc
WHERE entries.type <> 'annotate'
    AND (entries.type <> 'trigger' OR entries.occurred_at_utc > entries.first_resolve_utc)
