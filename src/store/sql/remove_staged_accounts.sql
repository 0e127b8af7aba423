-- Rows $1 to $2 of the staged updates, each of which removes its account, and keeps all that there was of
-- it. An account that changed since it was matched, or that somebody came to use, is left alone.
-- $3::text  the run
with unit as (
    select s.row, s.account_id
    from muster_updates s
    join muster.accounts a on a.id = s.account_id and a.xmin::text = s.version
    where s.row between $1 and $2 and a.run_id is not null
      and not exists (
          select from muster.credentials secret where secret.account_id = a.id and secret.run_id is null
      )
      and not exists (
          select from muster.invitations invitation
          where invitation.account_id = a.id and invitation.state = 'accepted'
      )
    order by a.id
    for no key update of a
),
ended as (
    update muster.invitations invitation
    set state = 'cancelled', token_sha256 = null, changed_at = now(), reply = 'run ' || $3 || ' removed the account'
    from unit
    where invitation.account_id = unit.account_id
      and invitation.state in ('queued', 'sending', 'sent', 'unknown')
    returning invitation.id
),
image as (
    select unit.row, account.id, to_jsonb(account) || jsonb_build_object(
        'memberships', (
            select coalesce(jsonb_agg(jsonb_build_object(
                'group_id', membership.group_id, 'key', grouping.key, 'run_id', membership.run_id,
                'roles', membership.roles, 'inherited', membership.inherited
            ) order by grouping.key), '[]')
            from muster.memberships membership join muster.groups grouping on grouping.id = membership.group_id
            where membership.account_id = account.id
        ),
        'invitations', (
            select coalesce(jsonb_agg(invitation.id order by invitation.id), '[]')
            from muster.invitations invitation
            where invitation.account_id = account.id
        )
    ) as before
    from unit join muster.accounts account on account.id = unit.account_id
),
forgotten as (
    delete from muster.password_changes noted using image where noted.account_id = image.id
),
removed as (
    delete from muster.accounts account using image where account.id = image.id returning account.id
)
insert into muster.changes (run_id, row, account_id, before, after, action)
select $3, image.row, image.id, image.before, '{}', 'remove'
from image join removed on removed.id = image.id
returning row
