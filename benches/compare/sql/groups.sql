-- After upsert.sql, in its transaction: the groups and who is in them, which muster's import writes, too.
create temporary table member as
select btrim(external_id) as external_id, btrim(path) as path
from incoming cross join lateral unnest(string_to_array(groups, ';')) path
where btrim(path) <> '';
insert into groups (id, path, key)
select distinct on (lower(path)) gen_random_uuid(), path, lower(path) from member order by lower(path), path
on conflict (key) do nothing;
insert into memberships (account_id, group_id)
select distinct accounts.id, groups.id
from member
join accounts on accounts.external_id = member.external_id collate "C"
join groups on groups.key = lower(member.path) collate "C"
order by 1, 2
on conflict do nothing;
