-- The ways in that run $1 gave and that still work end with it; $2 says so.
update muster.invitations
set state = 'cancelled', token_sha256 = null, changed_at = now(), reply = $2
where run_id = $1 and state in ('queued', 'sending', 'sent', 'unknown')
