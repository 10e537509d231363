-- One row per name that a repository ever had. A name can go to another repository: it means the one that had
-- it last.
SELECT
    lower(name_with_owner) AS name,
    arg_max(repository_id, (_load, _page, _place)) AS repository_id,
    list(DISTINCT repository_id ORDER BY repository_id) AS repositories
FROM landing.github__repositories__versions
GROUP BY lower(name_with_owner)
