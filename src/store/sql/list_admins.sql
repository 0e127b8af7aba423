select id, name, email, role, password_hash is not null,
    (extract(epoch from created_at) * 1000000)::bigint,
    (
        select (extract(epoch from max(sessions.seen_at)) * 1000000)::bigint
        from muster.console_sessions sessions
        where sessions.admin_id = admins.id
    )
from muster.admins
where removed_at is null
order by key
