-- The history of memberships, by the functions of rename_history.sql. $1 and $2 keys, $3 the group.
update muster.changes c
set before = pg_temp.muster_image(c.before, $1, $2), after = pg_temp.muster_image(c.after, $1, $2)
where c.changed_at >= (select created_at from muster.groups where id = $3)
    and (c.before ?| array['groups', 'memberships'] or c.after ?| array['groups', 'memberships'])
    and strpos(c.before::text || c.after::text, btrim(to_jsonb($1::text)::text, '"')) > 0
