-- One row per feature as it is declared.
SELECT features.feature_id, features.title, features.team_id, starts.start_utc AS released_at_utc, features.epic,
    features.flag, features.documentation_url, features.needs_documentation
FROM landing.organization__features AS features
LEFT JOIN reporting_days AS starts ON starts.local_date = features.released
