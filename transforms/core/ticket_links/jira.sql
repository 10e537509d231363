-- One row per link, as a ticket that is still there shows it.
SELECT links.ticket_id, links.relation, links.other_ticket_id
FROM landing.jira__ticket_links AS links
JOIN core.tickets AS tickets ON tickets.ticket_id = links.ticket_id
