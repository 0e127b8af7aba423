-- Accounts as they are now, with what tells whether anybody used them.
select
    a.id,
    a.external_id, a.email, a.username, a.first_name, a.last_name, a.display_name,
    a.phone, a.country, a.language, a.organization, a.role, a.status,
    a.start_date::text, a.manager,
    a.email_key, a.username_key,
    a.attributes::text,
    array(
        select grouping.key
        from muster.memberships membership join muster.groups grouping on grouping.id = membership.group_id
        where membership.account_id = a.id
        order by grouping.key
    ),
    a.updated_at <> a.created_at,
    exists (select from muster.credentials secret where secret.account_id = a.id),
    exists (select from muster.invitations i where i.account_id = a.id and i.state = 'accepted'),
    exists (select from muster.memberships m where m.account_id = a.id and m.run_id is null)
from muster.accounts a
where a.id = any ($1)
