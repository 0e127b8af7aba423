-- Groups $1::uuid[] get the paths $2::text[] and the keys $3::text[].
update muster.groups grouping
set path = unit.path, key = unit.key
from unnest($1::uuid[], $2::text[], $3::text[]) as unit (id, path, key)
where grouping.id = unit.id
