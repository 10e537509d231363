-- One row per pull request or incident that a ticket names.
SELECT named.ticket_id, named.names, named.is_cause
FROM landing.jira__ticket_references AS named
JOIN core.tickets AS tickets ON tickets.ticket_id = named.ticket_id
