-- The accounts of `chosen`, each with its memberships, its latest invitation, and how far it is.
select
    account.id,
    account.external_id, account.email, account.username, account.first_name, account.last_name, account.display_name,
    account.phone, account.country, account.language, account.organization, account.role,
    nullif(array_to_string(account.other_roles, '; '), ''), account.status,
    account.start_date::text, account.end_date::text, account.manager,
    account.attributes::text,
    joined.memberships,
    invited.state, to_char(invited.sent_at at time zone 'utc', 'YYYY-MM-DD HH24:MI'),
    account.id in (
        select secret.account_id from muster.credentials secret where secret.run_id is null and not secret.must_change
    ) or account.id in (
        select invitation.account_id from muster.invitations invitation
        where invitation.state = 'accepted' and invitation.account_id is not null
    ),
    to_char(account.created_at at time zone 'utc', 'YYYY-MM-DD HH24:MI'),
    to_char(account.updated_at at time zone 'utc', 'YYYY-MM-DD HH24:MI'),
    account.run_id,
    {phase}
from muster.accounts account
left join (
    -- A membership a text: its path, and behind a control character its roles; none for an inherited one.
    select membership.account_id, array_agg(
        grouping.path || case when membership.inherited then E'\x1f' else '' end
            || case when membership.roles = '{}' then '' else E'\x1f' || array_to_string(membership.roles, E'\x1f') end
        order by grouping.path collate "C"
    ) as memberships
    from muster.memberships membership
    join muster.groups grouping on grouping.id = membership.group_id
    where membership.account_id in (select id from chosen)
    group by membership.account_id
) joined on joined.account_id = account.id
left join (
    select distinct on (invitation.account_id)
        invitation.account_id, invitation.sent_at,
        case when invitation.state in ('sent', 'unknown') and invitation.expires_at <= now() then 'expired'
            else invitation.state end as state
    from muster.invitations invitation
    where invitation.kind = 'invite' and invitation.account_id in (select id from chosen)
    order by invitation.account_id, invitation.created_at desc, invitation.id desc
) invited on invited.account_id = account.id
where account.id in (select id from chosen)
