-- What GitHub did not let be read the last time it was asked.
SELECT 'github' AS source, organization AS scope, kind, message
FROM landing.github__identity_access
WHERE message IS NOT NULL
