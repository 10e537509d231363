-- One row per released feature of a team.
WITH edited AS (
    SELECT DISTINCT features.feature_id
    FROM core.features AS features
    JOIN core.feature_documents AS documents
        ON documents.feature_id = features.feature_id
        AND documents.edited_at_utc >= features.released_at_utc - to_hours(24 * 30)
        AND documents.edited_at_utc <= features.released_at_utc + to_hours(24 * $window_days)
    WHERE features.documentation_url IS NOT NULL
),

decided AS (
    SELECT
        features.*,
        CASE
            WHEN NOT coalesce(features.needs_documentation, true) THEN 'needs_none'
            WHEN edited.feature_id IS NOT NULL THEN 'edited_in_time'
            WHEN features.released_at_utc + to_hours(24 * $window_days) >= $as_of_utc THEN 'window_not_over'
            WHEN features.documentation_url IS NULL THEN 'no_page'
            ELSE 'not_edited'
        END AS why
    FROM core.features AS features
    LEFT JOIN edited ON edited.feature_id = features.feature_id
    WHERE features.released_at_utc <= $as_of_utc AND features.team_id IS NOT NULL
)

SELECT
    'team' AS subject_kind,
    team_id AS subject_id,
    feature_id || '/release' AS case_id,
    feature_id AS ref,
    NULL AS contributor_id,
    documentation_url AS source_url,
    released_at_utc AS anchor_at_utc,
    CASE
        WHEN why = 'needs_none' THEN 'excluded'
        WHEN why = 'edited_in_time' THEN 'documented'
        WHEN why = 'window_not_over' THEN 'pending'
        ELSE 'undocumented'
    END AS outcome,
    why,
    NULL AS amount,
    NULL AS exposure
FROM decided
