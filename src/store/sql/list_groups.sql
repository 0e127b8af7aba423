-- All groups, those below behind those above.
select id, path, key, parent_id, visibility = 'public', run_id,
    to_char(created_at at time zone 'utc', 'YYYY-MM-DD HH24:MI')
from muster.groups
order by key collate "C"
