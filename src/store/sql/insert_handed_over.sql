insert into muster.invitations
    (id, run_id, account_id, kind, email, email_key, state, token_sha256, lifetime, expires_at, message_id, via, attempts, sent_at, pipeline)
values ($1, $2, $3, $4, $5, $6, 'sent', $7, make_interval(mins => $8), now() + make_interval(mins => $8), $9, 'hand', 1, now(), $10)
returning to_char(expires_at at time zone 'utc', 'YYYY-MM-DD HH24:MI')
