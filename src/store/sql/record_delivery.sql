-- What became of a mail that this sender claimed. A link whose mail surely isn't out ends.
update muster.invitations
set state = $3, reply = $4, leased_by = null, lease_until = null, changed_at = now(),
    sent_at = case when $3 = 'sent' then now() else sent_at end,
    not_before = now() + make_interval(secs => $5),
    attempts = attempts - $6,
    token_sha256 = case when $3 in ('sent', 'unknown') then token_sha256 end
where id = $1 and leased_by = $2 and state = 'sending'
