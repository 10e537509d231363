-- What is behind cases: a person, or an account that is nobody's, and why. Bots and what is excluded are no cases of
-- anybody. Whoever has no row in the roster any more is nobody in it, whatever the journal says.
SELECT
    accounts.account_id AS person_id,
    CASE
        WHEN accounts.is_bot THEN 'bot'
        WHEN bool_or(identities.standing = 'excluded') THEN 'excluded'
        WHEN bool_or(identities.standing = 'contested') THEN 'contested'
        ELSE 'unclaimed'
    END AS standing
FROM core.accounts AS accounts
LEFT JOIN core.identities AS identities ON identities.account_id = accounts.account_id
GROUP BY accounts.account_id, accounts.is_bot
UNION ALL
SELECT
    people.person_id,
    CASE WHEN people.is_bot THEN 'bot' WHEN people.is_rostered THEN 'claimed' ELSE 'unclaimed' END
FROM core.people AS people
WHERE NOT EXISTS (FROM core.accounts AS accounts WHERE accounts.account_id = people.person_id)
