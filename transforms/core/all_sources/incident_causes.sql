-- One row per incident and deployment that somebody named, somebody settled, or time alone suspects.
WITH production AS (
    SELECT deployment_id, ref, source_url, commit_oid, version, finished_at_utc, service_ids, pr_ids
    FROM core.deployments
    WHERE environment = 'production' AND status = 'success' AND kind IS DISTINCT FROM 'rollback'
),

-- What notes, tickets and the changes that mend it name. A change that was merged after the incident began cannot
-- have caused it; if it is a revert, or says what it fixes, it names what did.
told AS (
    SELECT incident_id, kind, ref, noted_at_utc, 'note' AS evidence
    FROM core.incident_references
    WHERE kind IN ('pull_request', 'commit', 'version', 'deployment')
    UNION ALL
    SELECT
        incidents.incident_id,
        CASE
            WHEN contains(causes.names, '#') THEN 'pull_request'
            WHEN starts_with(causes.names, 'http') OR starts_with(causes.names, 'deployment ') THEN 'deployment'
            WHEN regexp_full_match(causes.names, '[0-9a-f]{7,40}') THEN 'commit'
            ELSE 'version'
        END,
        CASE
            WHEN starts_with(causes.names, 'deployment ') THEN split_part(causes.names, ' ', 2)
            ELSE causes.names
        END,
        tickets.created_at_utc,
        'ticket'
    FROM core.ticket_references AS causes
    JOIN core.tickets AS tickets ON tickets.ticket_id = causes.ticket_id
    JOIN core.ticket_references AS named ON named.ticket_id = causes.ticket_id
    JOIN core.incidents AS incidents ON lower(incidents.source_url) = named.names
    WHERE causes.is_cause
    UNION ALL
    SELECT incidents.incident_id, 'pull_request', pulls.ref, pulls.created_at_utc, 'trailer'
    FROM core.pull_requests AS pulls
    JOIN core.incidents AS incidents
        ON list_contains(pulls.incident_urls, lower(incidents.source_url))
        AND pulls.created_at_utc > incidents.created_at_utc
),

-- A commit that was deployed as such names that deployment, any other the change that was merged as it. One that
-- begins like several names nobody.
named_by_commit AS (
    SELECT
        said.ref,
        any_value(known.oid) AS oid,
        any_value(known.pull_ref) AS pull_ref,
        bool_or(known.is_deployed) AS is_deployed
    FROM (SELECT DISTINCT lower(ref) AS ref FROM told WHERE kind = 'commit') AS said
    JOIN (
        SELECT merge_commit_oid AS oid, ref AS pull_ref, false AS is_deployed FROM core.pull_requests
        UNION ALL
        SELECT commit_oid, NULL, true FROM production
    ) AS known
        ON left(known.oid, 7) = left(said.ref, 7) AND starts_with(known.oid, said.ref)
    GROUP BY said.ref
    HAVING count(DISTINCT known.oid) = 1 AND count(DISTINCT known.pull_ref) <= 1
),

said AS (
    SELECT incident_id, kind, ref, noted_at_utc, evidence FROM told WHERE kind <> 'commit'
    UNION ALL
    SELECT
        told.incident_id,
        CASE WHEN found.is_deployed THEN 'commit' ELSE 'pull_request' END,
        CASE WHEN found.is_deployed THEN found.oid ELSE found.pull_ref END,
        told.noted_at_utc,
        told.evidence
    FROM told
    JOIN named_by_commit AS found ON found.ref = lower(told.ref)
    WHERE told.kind = 'commit'
),

mends AS (
    SELECT pr_id, reverts_pr_id AS mended_pr_id FROM core.pull_requests WHERE reverts_pr_id IS NOT NULL
    UNION
    SELECT pr_id, unnest(fixes_pr_ids) FROM core.pull_requests
),

pulls_said AS (
    SELECT
        said.incident_id,
        said.noted_at_utc,
        said.evidence,
        incidents.service_id,
        incidents.created_at_utc,
        CASE
            WHEN pulls.merged_at_utc <= incidents.created_at_utc THEN pulls.pr_id
            ELSE mends.mended_pr_id
        END AS pr_id
    FROM said
    JOIN core.incidents AS incidents ON incidents.incident_id = said.incident_id
    JOIN core.pull_requests AS pulls
        ON lower(pulls.ref) = lower(said.ref)
        OR (
            starts_with(said.ref, '#')
            AND split_part(pulls.ref, '#', 2) = substr(said.ref, 2)
            AND list_contains(pulls.service_ids, incidents.service_id)
        )
    LEFT JOIN mends ON mends.pr_id = pulls.pr_id
    WHERE said.kind = 'pull_request'
),

-- Of the deployments that carried the change, the last one before the incident: of the incident's own service first.
-- What was deployed longer ago than a failure may take to show is something else that the note speaks of.
by_pull AS (
    SELECT
        pulls_said.incident_id,
        pulls_said.pr_id,
        any_value(pulls_said.evidence) AS evidence,
        min(pulls_said.noted_at_utc) AS named_at_utc,
        arg_max(
            production.deployment_id,
            (list_contains(production.service_ids, pulls_said.service_id), production.finished_at_utc)
        ) AS deployment_id
    FROM pulls_said
    JOIN production
        ON list_contains(production.pr_ids, pulls_said.pr_id)
        AND production.finished_at_utc <= pulls_said.created_at_utc
        AND production.finished_at_utc >= pulls_said.created_at_utc - to_microseconds($failure_window_us)
    WHERE pulls_said.pr_id IS NOT NULL
    GROUP BY pulls_said.incident_id, pulls_said.pr_id
),

-- A deployment goes by its number, address, commit or version, and a version also by the numbers at its end.
called AS (
    SELECT deployment_id, 'commit' AS kind, commit_oid AS name FROM production
    UNION
    SELECT deployment_id, 'deployment', lower(unnest([split_part(deployment_id, '/', -1), ref, source_url]))
    FROM production
    UNION
    SELECT
        deployment_id,
        'version',
        unnest([
            lower(version),
            nullif(regexp_extract(lower(version), '(?:^|[-/@_])v?(\d+(?:\.\d+)+(?:[-+][\w.]+)?)$', 1), '')
        ])
    FROM production
),

said_of_deployments AS (
    SELECT incident_id, kind, lower(ref) AS ref, lower(ref) AS name, evidence, noted_at_utc
    FROM said
    WHERE kind <> 'pull_request'
    UNION
    SELECT incident_id, kind, lower(ref), substr(lower(ref), 2), evidence, noted_at_utc
    FROM said
    WHERE kind = 'version' AND regexp_matches(lower(ref), '^v\d')
),

deployments_said AS (
    SELECT DISTINCT
        said.incident_id,
        said.ref,
        said.evidence,
        said.noted_at_utc,
        production.deployment_id,
        production.finished_at_utc,
        coalesce(production.commit_oid, production.version, production.deployment_id) AS what,
        list_contains(production.service_ids, incidents.service_id) AS is_own
    FROM said_of_deployments AS said
    JOIN called ON called.kind = said.kind AND called.name = said.name
    JOIN production ON production.deployment_id = called.deployment_id
    JOIN core.incidents AS incidents ON incidents.incident_id = said.incident_id
    WHERE production.finished_at_utc <= incidents.created_at_utc
        AND production.finished_at_utc >= incidents.created_at_utc - to_microseconds($failure_window_us)
    QUALIFY is_own OR NOT bool_or(is_own) OVER (PARTITION BY said.incident_id, said.ref)
),

-- The last of those it fits; nobody where it fits two that are not the same thing.
by_deployment AS (
    SELECT
        incident_id,
        NULL AS pr_id,
        any_value(evidence) AS evidence,
        min(noted_at_utc) AS named_at_utc,
        arg_max(deployment_id, (finished_at_utc, deployment_id)) AS deployment_id
    FROM deployments_said
    GROUP BY incident_id, ref
    HAVING count(DISTINCT what) = 1
),

named AS (
    SELECT
        incident_id,
        any_value(deployment_id) AS deployment_id,
        CASE WHEN count(DISTINCT pr_id) = 1 THEN any_value(pr_id) END AS pr_id,
        any_value(evidence) AS evidence,
        min(named_at_utc) AS named_at_utc
    FROM (SELECT * FROM by_pull UNION ALL BY NAME SELECT * FROM by_deployment)
    GROUP BY incident_id
    -- Two deployments named are two readings of one note: nobody is charged by halves.
    HAVING count(DISTINCT deployment_id) = 1
),

-- Somebody who knows the service may say that a note was read wrongly; the answer is about that deployment.
kept AS (
    SELECT named.*
    FROM named
    LEFT JOIN settled_causes AS settled
        ON settled.incident_id = named.incident_id AND settled.deployment_id = named.deployment_id
    WHERE settled.answer IS NULL OR settled.answer NOT IN ('other_change', 'not_a_change')
),

-- What else is settled is no question any more when a deployment turns up later.
settled AS (
    SELECT incident_id, deployment_id
    FROM settled_causes
    WHERE answer IN ('yes', 'not_a_change') OR (answer = 'other_change' AND other IS NOT NULL)
),

latest AS (
    SELECT
        incidents.incident_id,
        arg_max(production.deployment_id, (production.finished_at_utc, production.deployment_id)) AS deployment_id
    FROM core.incidents AS incidents
    JOIN core.deployments AS production
        ON production.environment = 'production'
        AND production.status = 'success'
        AND list_contains(production.service_ids, incidents.service_id)
        AND production.finished_at_utc <= incidents.created_at_utc
        AND production.finished_at_utc >= incidents.created_at_utc - to_minutes($suspect_minutes)
    WHERE incidents.urgency = 'high'
        AND incidents.merged_into IS NULL
        AND incidents.incident_id NOT IN (SELECT incident_id FROM named)
    GROUP BY incidents.incident_id
),

suspects AS (
    SELECT latest.incident_id, latest.deployment_id
    FROM latest
    LEFT JOIN settled ON settled.incident_id = latest.incident_id
    WHERE settled.incident_id IS NULL OR settled.deployment_id = latest.deployment_id
),

-- Another change gets the link: the last deployment that carried it before the incident, of the incident's own
-- service first. A yes holds for its deployment, whatever would be suspected today.
confirmed AS (
    SELECT
        settled_causes.incident_id,
        settled_causes.answered_at_utc,
        settled_causes.other AS pr_id,
        arg_max(
            production.deployment_id,
            (list_contains(production.service_ids, incidents.service_id), production.finished_at_utc)
        ) AS deployment_id
    FROM settled_causes
    JOIN core.incidents AS incidents ON incidents.incident_id = settled_causes.incident_id
    JOIN production
        ON production.finished_at_utc <= incidents.created_at_utc
        AND (
            list_contains(production.pr_ids, settled_causes.other)
            OR production.deployment_id = settled_causes.other
        )
    WHERE settled_causes.answer = 'other_change'
    GROUP BY ALL
    UNION ALL BY NAME
    SELECT settled_causes.incident_id, settled_causes.answered_at_utc, NULL AS pr_id, settled_causes.deployment_id
    FROM settled_causes
    JOIN production ON production.deployment_id = settled_causes.deployment_id
    WHERE settled_causes.answer = 'yes'
        AND settled_causes.incident_id NOT IN (SELECT incident_id FROM suspects)
        AND NOT EXISTS (
            FROM kept
            WHERE kept.incident_id = settled_causes.incident_id
                AND kept.deployment_id = settled_causes.deployment_id
        )
)

SELECT incident_id, deployment_id, pr_id, 'explicit' AS source, evidence, named_at_utc, NULL AS answer,
    NULL::TIMESTAMP AS answered_at_utc
FROM kept
UNION ALL
SELECT suspects.incident_id, suspects.deployment_id, NULL, 'heuristic', 'time', NULL, settled_causes.answer,
    settled_causes.answered_at_utc
FROM suspects
LEFT JOIN settled_causes
    ON settled_causes.incident_id = suspects.incident_id
    AND settled_causes.deployment_id = suspects.deployment_id
UNION ALL
SELECT
    incident_id,
    deployment_id,
    CASE WHEN pr_id <> deployment_id THEN pr_id END,
    'confirmed',
    'settled',
    answered_at_utc,
    NULL,
    NULL::TIMESTAMP
FROM confirmed
