-- One row per ticket that follows up an incident: marked so, or hanging below or linked to a post-mortem ticket.
WITH postmortems AS (
    SELECT ticket_id FROM landing.jira__tickets WHERE list_contains(marks, 'postmortem')
),

belonging AS (
    SELECT ticket_id, parent_ticket_id AS other_ticket_id FROM core.tickets WHERE parent_ticket_id IS NOT NULL
    UNION
    SELECT ticket_id, other_ticket_id FROM core.ticket_links
    UNION
    SELECT other_ticket_id, ticket_id FROM core.ticket_links
),

of_postmortem AS (
    SELECT belonging.ticket_id, belonging.other_ticket_id
    FROM belonging
    JOIN postmortems ON postmortems.ticket_id = belonging.other_ticket_id
),

chosen AS (
    SELECT ticket_id FROM landing.jira__tickets WHERE list_contains(marks, 'followup')
    UNION
    SELECT ticket_id FROM of_postmortem
),

-- An incident is named by the ticket, by its post-mortem, or by a ticket it is linked to or a part of.
naming AS (
    SELECT ticket_id, ticket_id AS by_ticket_id, 1 AS distance FROM chosen
    UNION ALL
    SELECT ticket_id, other_ticket_id, 2 FROM belonging
),

named AS (
    SELECT naming.ticket_id, incidents.incident_id, min(naming.distance) AS distance
    FROM naming
    JOIN core.ticket_references AS named ON named.ticket_id = naming.by_ticket_id
    JOIN core.incidents AS incidents ON lower(incidents.source_url) = named.names
    GROUP BY naming.ticket_id, incidents.incident_id
),

nearest AS (
    SELECT ticket_id, unnest(arg_min(incident_ids, distance)) AS incident_id
    FROM (
        SELECT ticket_id, distance, list(incident_id ORDER BY incident_id) AS incident_ids
        FROM named
        GROUP BY ticket_id, distance
    )
    GROUP BY ticket_id
),

-- Due dates in their order; one that was set after the one before it had passed does not count.
due_moves AS (
    SELECT
        ticket_id,
        list({'moved_on': reporting_date(occurred_at_utc), 'due': TRY_CAST(left(from_value, 10) AS DATE)}
            ORDER BY occurred_at_utc, change_id)[1] AS first_known,
        list({'moved_on': reporting_date(occurred_at_utc), 'due': TRY_CAST(left(to_value, 10) AS DATE)}
            ORDER BY occurred_at_utc, change_id) AS moves
    FROM core.ticket_changes
    WHERE field = 'due_date' AND occurred_at_utc <= $as_of_utc
    GROUP BY ticket_id
),

due AS (
    SELECT
        ticket_id,
        list_reduce(
            list_prepend(first_known, moves),
            lambda kept, move: CASE WHEN kept.due IS NULL OR move.moved_on <= kept.due THEN move ELSE kept END
        ).due AS due_date
    FROM due_moves
),

dated AS (
    SELECT
        tickets.*,
        CASE WHEN due.ticket_id IS NOT NULL THEN due.due_date ELSE tickets.due_date END AS counted_due_date
    FROM chosen
    JOIN core.tickets AS tickets ON tickets.ticket_id = chosen.ticket_id
    LEFT JOIN due ON due.ticket_id = tickets.ticket_id
    WHERE NOT EXISTS (FROM postmortems WHERE postmortems.ticket_id = tickets.ticket_id)
),

-- Without a due date it is due 30 days after its creation.
due_days AS (
    SELECT
        *,
        coalesce(counted_due_date, reporting_date(created_at_utc + INTERVAL 30 DAY)) AS due_on
    FROM dated
),

assigned AS (
    SELECT
        due_days.ticket_id,
        arg_max({'value': changes.to_value}, (changes.occurred_at_utc, changes.change_id))
            FILTER (reporting_date(changes.occurred_at_utc) <= due_days.due_on) AS last_before,
        arg_min({'value': changes.from_value}, (changes.occurred_at_utc, changes.change_id))
            FILTER (reporting_date(changes.occurred_at_utc) > due_days.due_on) AS first_after
    FROM due_days
    JOIN core.ticket_changes AS changes
        ON changes.ticket_id = due_days.ticket_id AND changes.field = 'assignee'
    GROUP BY due_days.ticket_id
),

owned AS (
    SELECT
        due_days.*,
        CASE
            WHEN assigned.first_after IS NOT NULL THEN assigned.first_after['value']
            ELSE due_days.assignee_id
        END AS owner_id
    FROM due_days
    LEFT JOIN assigned ON assigned.ticket_id = due_days.ticket_id
)

SELECT
    owned.ticket_id,
    owned.ref,
    owned.source_url,
    nearest.incident_id,
    owned.owner_id AS assignee_id,
    memberships.team_id,
    owned.created_at_utc,
    owned.counted_due_date AS due_date,
    owned.resolved_at_utc,
    owned.resolution
FROM owned
LEFT JOIN nearest ON nearest.ticket_id = owned.ticket_id
LEFT JOIN core.memberships AS memberships
    ON memberships.person_id = owned.owner_id
    AND reporting_date(coalesce(memberships.from_at_utc, TIMESTAMP '0001-01-02')) <= owned.due_on
    AND reporting_date(coalesce(memberships.to_at_utc, TIMESTAMP '9999-12-30')) > owned.due_on
