select id
from muster.uploads as upload
where deleted_at is null and sent_at < now() - make_interval(secs => $1::double precision * 86400)
    and not exists (
        select from muster.jobs
        where about = upload.id::text and state in ('waiting', 'running')
            and coalesce(seen_at, created_at) > now() - interval '1 minute'
    )
