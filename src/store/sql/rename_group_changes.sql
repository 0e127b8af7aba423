-- Groups below a renamed one that an undo removed, and may bring back. $1 and $2 keys, $3 and $4 paths, $5 the group.
update muster.group_changes c
set key = $2 || substr(c.key, length($1) + 1), path = $4 || substr(c.path, length($3) + 1)
where c.changed_at >= (select created_at from muster.groups where id = $5) and starts_with(c.key, $1 || '/')
