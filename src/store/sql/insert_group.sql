insert into muster.groups (id, path, key, parent_id, run_id, visibility) values ($1, $2, $3, $4, $5, $6)
on conflict do nothing
