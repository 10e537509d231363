-- One row per thing that the organisation says happened, as its file has it.
SELECT
    first_day,
    last_day,
    kind,
    CASE WHEN applies_to = '*' THEN 'organization' ELSE split_part(applies_to, ':', 1) END AS about_kind,
    CASE WHEN applies_to <> '*' THEN substr(applies_to, strpos(applies_to, ':') + 1) END AS about_id,
    title,
    link
FROM landing.organization__annotations
