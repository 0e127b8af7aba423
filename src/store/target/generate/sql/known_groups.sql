insert into muster.group_links (key, group_id, made_at)
select {key}::text, {uuid}, 'epoch'
from {table} g
where not exists (select from muster.group_links link where {is_linked})
on conflict do nothing
