-- What numbers about services are about, and which services belong to it when: each service itself, the services a
-- team owns, and the key services together (tiers 1 and 2). Rows of one service that touch are one stretch.
WITH named AS (
    SELECT
        service_id,
        team_id,
        tier,
        coalesce(valid_from_utc, TIMESTAMP '0001-01-01') AS from_utc,
        coalesce(valid_to_utc, TIMESTAMP '9999-12-31') AS to_utc
    FROM core.services
),

-- A service that something was deployed to is one, although no file lists it.
unlisted AS (
    SELECT DISTINCT service_id
    FROM (SELECT unnest(service_ids) AS service_id FROM core.deployments)
    WHERE service_id NOT IN (SELECT service_id FROM core.services)
),

stretches AS (
    SELECT 'service' AS subject_kind, service_id AS subject_id, service_id, from_utc, to_utc FROM named
    UNION
    SELECT 'service', service_id, service_id, TIMESTAMP '0001-01-01', TIMESTAMP '9999-12-31' FROM unlisted
    UNION
    SELECT 'team', team_id, service_id, from_utc, to_utc FROM named WHERE team_id IS NOT NULL
    UNION
    SELECT 'tiers', 'key', service_id, from_utc, to_utc FROM named WHERE tier IN (1, 2)
),

reached AS (
    SELECT
        *,
        max(to_utc) OVER (
            PARTITION BY subject_kind, subject_id, service_id
            ORDER BY from_utc, to_utc ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS reached_utc
    FROM stretches
),

islands AS (
    SELECT
        *,
        count(*) FILTER (WHERE reached_utc IS NULL OR from_utc > reached_utc) OVER (
            PARTITION BY subject_kind, subject_id, service_id ORDER BY from_utc, to_utc
        ) AS island
    FROM reached
)

SELECT subject_kind, subject_id, service_id, min(from_utc) AS from_utc, max(to_utc) AS to_utc
FROM islands
GROUP BY subject_kind, subject_id, service_id, island
ORDER BY subject_kind, subject_id, service_id, from_utc
