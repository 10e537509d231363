-- One row per post-mortem ticket and incident it names. It is published when it is first done.
SELECT incidents.incident_id, tickets.ref, coalesce(min(changes.occurred_at_utc), any_value(tickets.resolved_at_utc))
    AS published_at_utc
FROM landing.jira__tickets AS marked
JOIN core.tickets AS tickets ON tickets.ticket_id = marked.ticket_id
JOIN core.ticket_references AS named ON named.ticket_id = tickets.ticket_id
JOIN core.incidents AS incidents ON lower(incidents.source_url) = named.names
LEFT JOIN core.ticket_changes AS changes
    ON changes.ticket_id = tickets.ticket_id AND changes.field = 'status' AND changes.to_category = 'done'
WHERE list_contains(marked.marks, 'postmortem')
GROUP BY incidents.incident_id, tickets.ref
HAVING coalesce(min(changes.occurred_at_utc), any_value(tickets.resolved_at_utc)) IS NOT NULL
