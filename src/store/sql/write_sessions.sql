-- Sessions by their keys. One that is there and changes becomes another version of itself.
insert into muster.sessions (id, name, key, starts_at, ends_at, time_zone, place, link)
select id, name, key, to_timestamp(starts_at), to_timestamp(ends_at), time_zone, place, link
from unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[])
    as wanted (id, name, key, starts_at, ends_at, time_zone, place, link)
on conflict (key) do update
set name = excluded.name, starts_at = excluded.starts_at, ends_at = excluded.ends_at,
    time_zone = excluded.time_zone, place = excluded.place, link = excluded.link,
    revision = sessions.revision + 1, changed_at = now()
