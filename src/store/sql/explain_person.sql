-- All of account $1 as it is, or as it was when it was removed.
with known as (
    select to_jsonb(account) as image, true as there, now() as at
    from muster.accounts account
    where id = $1
    union all
    select before, false, changed_at from muster.changes where account_id = $1 and action = 'remove'
    order by there desc, at desc
    limit 1
)
select
    image::text, there,
    case when there then array(
        select grouping.path
            || case when membership.inherited then ' (inherited)' else '' end
            || case when membership.roles <> '{}' then ' (' || array_to_string(membership.roles, ', ') || ')' else '' end
        from muster.memberships membership join muster.groups grouping on grouping.id = membership.group_id
        where membership.account_id = $1
        order by grouping.path collate "C"
    ) else array(
        select (joined ->> 'key')
            || case when joined ->> 'inherited' = 'true' then ' (inherited)' else '' end
            || coalesce(' (' || (
                select string_agg(role, ', ') from jsonb_array_elements_text(joined -> 'roles') role
            ) || ')', '')
        from jsonb_array_elements(image -> 'memberships') joined order by 1
    ) end,
    exists (select from muster.credentials secret where secret.account_id = $1),
    (extract(epoch from (image ->> 'created_at')::timestamptz) * 1000000)::bigint,
    (extract(epoch from (image ->> 'updated_at')::timestamptz) * 1000000)::bigint,
    case when there then array(
        select session.name
        from muster.enrolments enrolment join muster.sessions session on session.id = enrolment.session_id
        where enrolment.account_id = $1
        order by session.starts_at, session.key
    ) else array(
        select jsonb_array_elements_text(coalesce(image -> 'enrolments', '[]')) order by 1
    ) end
from known
