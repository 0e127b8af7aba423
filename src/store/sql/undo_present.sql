-- Accounts as they are now, with what tells whether anybody used them. Scalar subqueries, because
-- `exists` would be answered by reading whole tables for every chunk. $1 the accounts, $2 the run.
select
    a.id,
    a.external_id, a.email, a.username, a.first_name, a.last_name, a.display_name,
    a.phone, a.country, a.language, a.organization, a.role,
    nullif(array_to_string(a.other_roles, '; '), ''), a.status,
    a.start_date::text, a.end_date::text, a.manager,
    a.email_key, a.username_key,
    a.attributes::text,
    joined.keys || enrolled.keys,
    a.updated_at <> a.created_at,
    -- A password that an import brought along is nobody's use of the account.
    coalesce((
        select true from muster.credentials secret
        where secret.account_id = a.id and secret.run_id is null
    ), false),
    coalesce((
        select true from muster.invitations invitation
        where invitation.account_id = a.id and invitation.state = 'accepted'
        limit 1
    ), false),
    joined.by_others or enrolled.by_others,
    a.edits is not null,
    coalesce((
        select noted.hash_after is not distinct from (
            select secret.password_hash from muster.credentials secret where secret.account_id = a.id
        )
        from muster.password_changes noted
        where noted.run_id = $2 and noted.account_id = a.id
    ), false)
from muster.accounts a
cross join lateral (
    select
        coalesce(array_agg(case
            when membership.inherited then grouping.key || '//'
            when membership.roles = '{}' then grouping.key
            else grouping.key || '//' || array_to_string(membership.roles, '//')
        end), '{}') as keys,
        coalesce(bool_or(membership.run_id is null), false) as by_others
    from muster.memberships membership join muster.groups grouping on grouping.id = membership.group_id
    where membership.account_id = a.id
) joined
cross join lateral (
    select coalesce(array_agg('//' || session.key), '{}') as keys, coalesce(bool_or(enrolment.run_id is null), false) as by_others
    from muster.enrolments enrolment join muster.sessions session on session.id = enrolment.session_id
    where enrolment.account_id = a.id
) enrolled
where a.id = any ($1)
