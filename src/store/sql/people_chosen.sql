-- Which accounts are meant; what isn't asked for is null.
-- $1::text[] statuses, $2::uuid[] groups, $3::text[] roles, $4::text[] organizations, $5::text a run that names
-- them, $6::text the first day of an invitation, $7::bool whether nobody ever signed in, $8::uuid[] their ids,
-- $9::uuid[] those left out, $10::bool whether the latest list of their source doesn't name them
($1::text[] is null or account.status = any ($1))
and ($2::uuid[] is null or account.id in (
    select membership.account_id from muster.memberships membership where membership.group_id = any ($2)
))
and ($3::text[] is null or account.role = any ($3) or account.other_roles && $3)
and ($4::text[] is null or account.organization = any ($4))
and ($5::text is null or account.run_id = $5 or account.id in (
    select account_id from muster.changes where run_id = $5
    union all
    select unnest(unchanged_accounts) from muster.chunks where run_id = $5
))
and ($6::text is null or account.id in (
    select invitation.account_id from muster.invitations invitation
    where invitation.kind = 'invite' and invitation.sent_at >= $6::text::date::timestamp at time zone 'UTC'
))
and (not $7::bool or not exists (
    select from muster.credentials secret
    where secret.account_id = account.id and secret.run_id is null and not secret.must_change
) and not exists (
    select from muster.invitations invitation where invitation.account_id = account.id and invitation.state = 'accepted'
))
and ($8::uuid[] is null or account.id = any ($8))
and ($9::uuid[] is null or account.id <> all ($9))
and (not $10::bool or account.id in (select absence.account_id from muster.absences absence))
