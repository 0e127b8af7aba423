create view muster.groups as
select
    link.group_id as id,
    {path} as path,
    (case when link.path = {path} then link.group_key else {folded} end collate pg_catalog."C") as key,
    null::uuid as parent_id,
    link.run_id as run_id,
    link.made_at as created_at,
    'private'::text as visibility,
    link.key as native_key
from {table} g
join muster.group_links link on {is_linked};
