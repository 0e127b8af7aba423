-- Which accounts the rows of muster_keys are about. One line per row that finds any.
-- $1::int[]  the keys by which an account is found, in their order: 1 external_id, 2 email, 3 username
-- $2::bool   whether memberships are wanted
-- $3::bool   whether it is wanted who set which value
-- $4::bool   whether an account is found by its own id, and by no key
with found as materialized (
    select
        k.row,
        x.id as by_external_id,
        e.id as by_email,
        u.id as by_username,
        case when $4 then i.id else coalesce(
            (array[x.id, e.id, u.id])[($1::int[])[1]],
            (array[x.id, e.id, u.id])[($1::int[])[2]],
            (array[x.id, e.id, u.id])[($1::int[])[3]]
        ) end as account_id,
        -- Who they are, where they may be several.
        case when greatest(x.id, e.id, u.id) <> least(x.id, e.id, u.id) or cardinality($1::int[]) < 3 then
            coalesce(nullif(concat_ws(' ', x.first_name, x.last_name), ''), x.display_name)
        end as name_by_external_id,
        case when greatest(x.id, e.id, u.id) <> least(x.id, e.id, u.id) or cardinality($1::int[]) < 3 then
            coalesce(nullif(concat_ws(' ', e.first_name, e.last_name), ''), e.display_name)
        end as name_by_email,
        case when greatest(x.id, e.id, u.id) <> least(x.id, e.id, u.id) or cardinality($1::int[]) < 3 then
            coalesce(nullif(concat_ws(' ', u.first_name, u.last_name), ''), u.display_name)
        end as name_by_username
    from muster_keys k
    left join muster.accounts x on x.external_id = k.external_id
    left join muster.accounts e on e.email_key = k.email_key
    left join muster.accounts u on u.username_key = k.username_key
    left join muster.accounts i on $4 and i.id = k.account_id
    where coalesce(x.id, e.id, u.id, i.id) is not null
),
joined as (
    -- A membership a text, as meaning/membership.rs unpacks it.
    select m.account_id, array_agg(case
        when m.inherited then g.key || '//'
        when m.roles = '{}' then g.key
        else g.key || '//' || array_to_string(m.roles, '//')
    end) as groups
    from muster.memberships m
    join muster.groups g on g.id = m.group_id
    where $2 and m.account_id in (select account_id from found)
    group by m.account_id
),
enrolled as (
    select e.account_id, array_agg('//' || s.key) as sessions
    from muster.enrolments e
    join muster.sessions s on s.id = e.session_id
    where $2 and e.account_id in (select account_id from found)
    group by e.account_id
),
changed as (
    select c.account_id, jsonb_agg(
        jsonb_build_object(
            'source', coalesce(run.source, ''), 'undo', run.undoes is not null,
            'at', (extract(epoch from c.changed_at) * 1000000)::bigint, 'after', c.after
        ) order by c.changed_at, c.run_id, c.row
    ) as changes
    from muster.changes c
    left join muster.runs run on run.id = c.run_id
    where $3 and c.action = 'update' and c.account_id in (select account_id from found)
    group by c.account_id
),
joined_by as (
    -- What an undo brought back belongs to the source of the run that had ended it.
    select m.account_id, jsonb_object_agg(
        g.key, case when m.run_id is not null then coalesce(run.source, undone.source, '') end
    ) as groups
    from muster.memberships m
    join muster.groups g on g.id = m.group_id
    left join muster.runs run on run.id = m.run_id
    left join muster.runs undone on undone.id = run.undoes
    where $2 and $3 and m.account_id in (select account_id from found)
    group by m.account_id
),
enrolled_by as (
    select e.account_id, jsonb_object_agg(
        '//' || s.key, case when e.run_id is not null then coalesce(run.source, undone.source, '') end
    ) as sessions
    from muster.enrolments e
    join muster.sessions s on s.id = e.session_id
    left join muster.runs run on run.id = e.run_id
    left join muster.runs undone on undone.id = run.undoes
    where $2 and $3 and e.account_id in (select account_id from found)
    group by e.account_id
)
select
    f.row, f.by_external_id, f.by_email, f.by_username,
    a.id, a.xmin::text,
    a.external_id, a.email, a.username, a.first_name, a.last_name, a.display_name,
    a.phone, a.country, a.language, a.organization, a.role,
    nullif(array_to_string(a.other_roles, '; '), ''), a.status,
    a.start_date::text, a.end_date::text, a.manager,
    a.email_key, a.username_key,
    a.attributes::text,
    j.groups || n.sessions,
    case when $3 then jsonb_build_object(
        'made_by', case when a.run_id is not null then coalesce(made.source, '') end,
        'changes', coalesce(c.changes, '[]'), 'edits', coalesce(a.edits, '{}'), 'groups', coalesce(b.groups, '{}') || coalesce(y.sessions, '{}')
    )::text end,
    f.name_by_external_id, f.name_by_email, f.name_by_username
from found f
left join muster.accounts a on a.id = f.account_id
left join joined j on j.account_id = f.account_id
left join enrolled n on n.account_id = f.account_id
left join changed c on c.account_id = f.account_id
left join joined_by b on b.account_id = f.account_id
left join enrolled_by y on y.account_id = f.account_id
left join muster.runs made on $3 and made.id = a.run_id
order by f.row
