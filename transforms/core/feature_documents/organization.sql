-- One row per edit of a feature's documentation page.
SELECT edits.feature_id, starts.start_utc AS edited_at_utc
FROM landing.organization__feature_documents AS edits
JOIN reporting_days AS starts ON starts.local_date = edits.edited_on
