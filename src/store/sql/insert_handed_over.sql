-- $1::uuid[] … $6::text[] are the links' ids, runs, accounts, kinds, tokens and Message-IDs; $7 and $8 are
-- the minutes that links of the kinds `invite` and `reset` work, $9 is the pipeline.
insert into muster.invitations (
    id, run_id, account_id, kind, email, email_key, username, username_key, state, token_sha256,
    lifetime, expires_at, message_id, via, attempts, sent_at, pipeline
)
select
    wanted.id, wanted.run_id, account.id, wanted.kind, account.email, account.email_key,
    account.username, account.username_key, 'sent', wanted.token,
    make_interval(mins => length.minutes), now() + make_interval(mins => length.minutes),
    wanted.message_id, 'hand', 1, now(), $9
from unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::bytea[], $6::text[])
    as wanted (id, run_id, account_id, kind, token, message_id)
join muster.accounts account on account.id = wanted.account_id
cross join lateral (select case wanted.kind when 'invite' then $7::int else $8::int end as minutes) length
returning
    account_id, kind, to_char(expires_at at time zone 'utc', 'YYYY-MM-DD HH24:MI'),
    extract(epoch from expires_at)::bigint
