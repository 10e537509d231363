-- One row per metric and grain: the newest period that is final.
SELECT metric_id, grain, max(period_start) AS period_start, max(period) AS period
FROM trends.period_states
WHERE state = 'final'
GROUP BY metric_id, grain
ORDER BY metric_id, grain
