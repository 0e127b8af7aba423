-- What hung on accounts that came back: their memberships, where the group is there, and the record
-- of their invitations. $1 the undo, $2::int[] rows.
with image as (
    select account_id, after from muster.changes where run_id = $1 and row = any ($2) and action = 'restore'
),
invited as (
    update muster.invitations invitation
    set account_id = image.account_id
    from image
    where invitation.account_id is null
        and invitation.id in (select value::uuid from jsonb_array_elements_text(image.after -> 'invitations'))
)
insert into muster.memberships (account_id, group_id, run_id, roles, inherited)
select image.account_id, coalesce(same.id, namesake.id), joined.run_id,
    coalesce(joined.roles, '{}'), coalesce(joined.inherited, false)
from image
cross join jsonb_to_recordset(image.after -> 'memberships') as joined (
    group_id uuid, key text, run_id text, roles text[], inherited boolean
)
left join muster.groups same on same.id = joined.group_id
left join muster.groups namesake on namesake.key = joined.key
where coalesce(same.id, namesake.id) is not null
on conflict do nothing
