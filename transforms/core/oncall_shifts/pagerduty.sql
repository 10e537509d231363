-- One row per piece of a schedule's final entries, and per person whom a policy names without a schedule.
--
-- PagerDuty computes past entries from today's layers. So of a month the first version that was shown after its
-- end counts; of one that is not over, the newest.
WITH shown AS (
    SELECT *
    FROM landing.pagerduty__schedule_months__versions
    QUALIFY row_number() OVER (
        PARTITION BY schedule_month_id
        ORDER BY
            shown_at_utc AT TIME ZONE 'UTC' >= month_start + INTERVAL 1 MONTH DESC,
            CASE WHEN shown_at_utc AT TIME ZONE 'UTC' >= month_start + INTERVAL 1 MONTH THEN _load ELSE -_load END
    ) = 1
),

-- Standing on-calls have no history: somebody in the first load was there from the first incident on, somebody
-- seen later from then on; who is not in the newest load is over since the first one without them. Only loads
-- that read them to the end count: in one that broke off before, nobody is missing.
reads AS (
    SELECT DISTINCT
        accounts._load,
        min(accounts._fetched_at_utc) OVER (PARTITION BY accounts._load) AT TIME ZONE 'UTC' AS read_at_utc
    FROM landing.pagerduty__accounts__versions AS accounts
    JOIN loads ON loads.ordinal = accounts._load
    WHERE list_contains(loads.whole_scopes, 'pagerduty:on_calls')
),

seen AS (
    SELECT
        standing.holder_account_id,
        standing.escalation_policy_id,
        min(standing._load) AS first_load,
        max(standing._load) AS last_load
    FROM landing.pagerduty__standing_on_calls__versions AS standing
    WHERE standing._load IN (SELECT _load FROM reads)
    GROUP BY standing.holder_account_id, standing.escalation_policy_id
)

SELECT
    coalesce(holders.person_id, entries.holder_account_id) AS person_id,
    entries.schedule_id,
    shown.month_start::TIMESTAMP + to_microseconds(entries.starts_after_us) AS start_at_utc,
    shown.month_start::TIMESTAMP + to_microseconds(entries.starts_after_us + entries.lasts_us) AS end_at_utc
FROM shown
JOIN landing.pagerduty__schedule_entries__versions AS entries
    ON entries.schedule_month_id = shown.schedule_month_id
    AND entries._load = shown._load
    AND entries._page = shown._page
LEFT JOIN identities AS holders
    ON holders.account_id = entries.holder_account_id
    AND shown.month_start::TIMESTAMP + to_microseconds(entries.starts_after_us) >= holders.from_utc
    AND shown.month_start::TIMESTAMP + to_microseconds(entries.starts_after_us) < holders.to_utc
UNION ALL
SELECT
    coalesce(holders.person_id, seen.holder_account_id),
    seen.escalation_policy_id,
    CASE
        WHEN seen.first_load = (SELECT min(_load) FROM reads) THEN coalesce(
            (SELECT min(created_at_utc) AT TIME ZONE 'UTC' FROM landing.pagerduty__incidents),
            (SELECT read_at_utc FROM reads WHERE _load = seen.first_load)
        )
        ELSE (SELECT read_at_utc FROM reads WHERE _load = seen.first_load)
    END,
    (SELECT min(read_at_utc) FROM reads WHERE _load > seen.last_load)
FROM seen
LEFT JOIN identities AS holders
    ON holders.account_id = seen.holder_account_id
    AND $as_of_utc >= holders.from_utc
    AND $as_of_utc < holders.to_utc
