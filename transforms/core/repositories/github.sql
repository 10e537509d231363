-- One row per repository, as last seen.
SELECT repository_id, name_with_owner, source_url, default_branch
FROM landing.github__repositories
