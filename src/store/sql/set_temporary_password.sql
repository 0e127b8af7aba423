-- A password that is about to be mailed, unless the person has one of their own by now.
insert into muster.credentials (account_id, password_hash, must_change, expires_at)
select account_id, $2, true, expires_at from muster.invitations where id = $1 and state = 'sending'
on conflict (account_id) do update
set password_hash = excluded.password_hash, expires_at = excluded.expires_at, changed_at = now()
where credentials.must_change
