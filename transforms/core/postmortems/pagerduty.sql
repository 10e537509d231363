-- One row per document that a note links to; PagerDuty does not tell when it was published, only when it was linked.
SELECT incident_id, ref, min(noted_at_utc) AT TIME ZONE 'UTC' AS published_at_utc
FROM landing.pagerduty__note_references
WHERE kind = 'postmortem'
GROUP BY incident_id, ref
