-- The cases of one source by month and by what the identity journal says of the account behind each.
SELECT
    $source AS source,
    reporting_month(cases.at_utc) AS month_start,
    count(*) AS cases,
    count(*) FILTER (WHERE standings.standing = 'claimed') AS claimed,
    count(*) FILTER (WHERE standings.standing = 'contested') AS contested,
    count(*) FILTER (WHERE standings.standing = 'unclaimed') AS unclaimed,
    count(*) FILTER (WHERE cases.person_id IS NULL) AS deleted,
    count(*) FILTER (WHERE standings.standing = 'claimed') >= $enough * count(*) AS is_enough
FROM cases
LEFT JOIN standings ON standings.person_id = cases.person_id
WHERE cases.person_id IS NULL OR standings.standing IN ('claimed', 'contested', 'unclaimed')
GROUP BY reporting_month(cases.at_utc)
ORDER BY month_start
