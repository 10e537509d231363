-- One row per review request to a person, and per request to a whole team.
SELECT
    CASE WHEN requests.reviewer_id IS NULL THEN 'team' ELSE 'person' END AS subject_kind,
    coalesce(requests.reviewer_id, requests.requested_team_id) AS subject_id,
    requests.case_id,
    coalesce(requests.reviewer_id, requests.answered_by_id) AS contributor_id,
    requests.pr_id,
    requests.anchor_at_utc,
    requests.outcome,
    requests.why,
    CASE WHEN requests.outcome <> 'excluded' THEN requests.waited_us / 3600000000 END AS amount,
    NULL AS exposure
FROM core.review_requests AS requests
WHERE $include_bot_prs OR NOT requests.is_bot_pr
