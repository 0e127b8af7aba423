-- What a link is worth: a row exactly where muster.accept_invitation would take it now.
select
    invitation.kind,
    coalesce(account.first_name, ''),
    coalesce(account.last_name, ''),
    coalesce(account.email, invitation.email, ''),
    coalesce(account.username, ''),
    coalesce(account.language, ''),
    array(
        select grouping.path
        from muster.memberships membership join muster.groups grouping on grouping.id = membership.group_id
        where membership.account_id = account.id and not membership.inherited
        order by grouping.path
    ),
    array(
        select jsonb_build_object(
            'name', session.name, 'starts_at', extract(epoch from session.starts_at)::bigint,
            'time_zone', session.time_zone
        )::text
        from muster.enrolments enrolment join muster.sessions session on session.id = enrolment.session_id
        where enrolment.account_id = account.id and coalesce(session.ends_at, session.starts_at) > now()
        order by session.starts_at, session.key
    )
from muster.invitations invitation
join muster.accounts account
    on account.id = invitation.account_id
    and account.email_key is not distinct from invitation.email_key
    and (invitation.username_key is null or account.username_key = invitation.username_key)
    and account.status = case invitation.kind when 'invite' then 'invited' else 'active' end
where invitation.token_sha256 = $1
    and invitation.state in ('sending', 'sent', 'unknown')
    and (invitation.expires_at is null or invitation.expires_at > now())
