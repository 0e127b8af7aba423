insert into muster.targets (part, relation, key_column, sql_sha256) values ($1, $2, $3, $4)
on conflict (part) do update
set relation = excluded.relation, key_column = excluded.key_column, sql_sha256 = excluded.sql_sha256, made_at = now()
