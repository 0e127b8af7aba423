select id, name, path, bytes, sha256, who,
    to_char(sent_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), settings::text
from muster.uploads
where deleted_at is null and ($1::uuid is null or id = $1)
order by sent_at desc, id
limit $2
