-- One row per number of a document.
SELECT about_kind, about_id, name, measured_on, value, unit, document_url
FROM landing.organization__measurements
