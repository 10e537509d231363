-- One row per reaction that rates a review or a comment of a review thread.
WITH first_authors AS (
    -- A deleted account is null from then on, for old rows too; who it was is kept as first seen.
    SELECT reaction_id, arg_min(author_account_id, (_load, _page)) AS account_id
    FROM landing.github__reactions__versions
    WHERE author_account_id IS NOT NULL
    GROUP BY reaction_id
)

SELECT
    reactions.target_id,
    coalesce(holders.person_id, reactions.author_account_id, first_authors.account_id) AS user_id,
    reactions.content,
    reactions.created_at_utc AS occurred_at_utc
FROM landing.github__reactions AS reactions
LEFT JOIN first_authors ON first_authors.reaction_id = reactions.reaction_id
LEFT JOIN identities AS holders
    ON holders.account_id = coalesce(reactions.author_account_id, first_authors.account_id)
    AND reactions.created_at_utc >= holders.from_utc
    AND reactions.created_at_utc < holders.to_utc
