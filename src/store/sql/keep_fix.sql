insert into muster.fixes (run_id, row, column_name, found, what, value, who)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (run_id, coalesce(row, -1), md5(column_name), md5(found))
do update set what = excluded.what, value = excluded.value, who = excluded.who, made_at = now()
