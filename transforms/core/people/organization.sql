-- One row per rostered person, as their roster row at the as-of says; else as their first row will say.
SELECT
    roster.person_id,
    any_value(named.name) AS name,
    any_value(named.email) AS email,
    arg_max(roster.tz, roster.place_in_time) AS tz,
    arg_max(roster.working_days, roster.place_in_time) AS working_days,
    coalesce(bool_or(accounts.is_bot), false) AS is_bot,
    true AS is_rostered
FROM (
    SELECT
        *,
        CASE
            WHEN coalesce(valid_from_utc, TIMESTAMP '0001-01-01') <= $as_of_utc
                THEN epoch_us(coalesce(valid_from_utc, TIMESTAMP '0001-01-01'))
            ELSE epoch_us(TIMESTAMP '0001-01-01') - 1 - epoch_us(valid_from_utc) // 1000000
        END AS place_in_time
    FROM core.roster
) AS roster
JOIN (
    SELECT
        person_id,
        arg_max(name, coalesce(valid_from, DATE '0001-01-01')) AS name,
        arg_max(email, coalesce(valid_from, DATE '0001-01-01')) AS email
    FROM landing.organization__people
    GROUP BY person_id
) AS named ON named.person_id = roster.person_id
LEFT JOIN core.accounts AS accounts ON accounts.person_id = roster.person_id
GROUP BY roster.person_id
