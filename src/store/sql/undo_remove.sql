-- Removes accounts, and keeps all that there was of them. $1 the undo, $2::int[] and $3::uuid[] rows and accounts.
with unit as (
    select * from unnest($2::int[], $3::uuid[]) as unit (row, account_id)
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
        'enrolments', (
            select coalesce(jsonb_agg(session.key order by session.key), '[]')
            from muster.enrolments enrolment join muster.sessions session on session.id = enrolment.session_id
            where enrolment.account_id = account.id
        ),
        'enrolled_by', (
            select coalesce(jsonb_object_agg(session.key, enrolment.run_id), '{}')
            from muster.enrolments enrolment join muster.sessions session on session.id = enrolment.session_id
            where enrolment.account_id = account.id
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
    delete from muster.password_changes noted using unit where noted.account_id = unit.account_id
),
removed as (
    delete from muster.accounts account using image where account.id = image.id returning account.id
)
insert into muster.changes (run_id, row, account_id, before, after, action)
select $1, image.row, image.id, image.before, '{}', 'remove'
from image join removed on removed.id = image.id
