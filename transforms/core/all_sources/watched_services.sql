-- A service is watched if some source of incidents has ever had one of it.
SELECT DISTINCT service_id, (SELECT min(created_at_utc) FROM core.incidents) AS since_utc
FROM core.incidents
WHERE service_id IS NOT NULL
