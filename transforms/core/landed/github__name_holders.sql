-- One row per repository and name that it ever had, and until when the name meant it: until another repository was
-- first seen under it. A name that nobody took stays its own, also after it was renamed.
WITH seen AS (
    SELECT lower(name_with_owner) AS name, repository_id, _fetched_at_utc, (_load, _page, _place) AS place
    FROM landing.github__repositories__versions
),

held AS (
    SELECT name, repository_id, max(place) AS last_place FROM seen GROUP BY name, repository_id
)

SELECT held.name, held.repository_id, min(seen._fetched_at_utc) AT TIME ZONE 'UTC' AS until_utc
FROM held
LEFT JOIN seen
    ON seen.name = held.name AND seen.repository_id <> held.repository_id AND seen.place > held.last_place
GROUP BY held.name, held.repository_id
