update muster.invitations
set state = 'expired', token_sha256 = null, expires_at = least(expires_at, now()), changed_at = now()
where id = any ($1) and state in ('sent', 'unknown')
