insert into muster.links (key, account_id, made_at, written_at, version)
select u.{id}::text, {uuid}, coalesce({created}, 'epoch'), 'epoch', '0'
from {table} u
where not exists (select from muster.links link where {is_linked}){only}
on conflict do nothing
