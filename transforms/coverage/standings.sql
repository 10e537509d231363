-- What somebody behind cases is: a person, or an account that is nobody's, and why. Bots and what is excluded
-- are no cases of anybody.
SELECT
    people.person_id,
    CASE
        WHEN people.is_bot THEN 'bot'
        WHEN accounts.account_id IS NULL THEN 'claimed'
        WHEN EXISTS (
            FROM core.identities AS identities
            WHERE identities.account_id = accounts.account_id AND identities.standing = 'excluded'
        ) THEN 'excluded'
        WHEN EXISTS (
            FROM core.identities AS identities
            WHERE identities.account_id = accounts.account_id AND identities.standing = 'contested'
        ) THEN 'contested'
        ELSE 'unclaimed'
    END AS standing
FROM core.people AS people
LEFT JOIN core.accounts AS accounts ON accounts.account_id = people.person_id
