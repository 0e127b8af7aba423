-- Puts the load tables in the place of the accounts and memberships, which are locked, empty or nearly so, and which nothing
-- hangs on that isn't made again here. Whatever fails leaves all as it was.
set local search_path = pg_catalog, pg_temp;
do $$
declare
    part text;
    statement text;
    again text[] := '{}';
    earlier aclitem[];
    owner oid;
    grantee text;
    missing bigint;
begin
    -- The few accounts that there are, and what they are members of.
    insert into muster.load_accounts select * from muster.accounts;
    insert into muster.load_memberships select * from muster.memberships;

    -- As the trigger of the memberships would: each group is there, and stays until this is over.
    with recursive named (id) as (
        (select group_id from muster.load_memberships order by group_id limit 1)
        union all
        select (
            select group_id from muster.load_memberships membership
            where membership.group_id > named.id order by group_id limit 1
        )
        from named where named.id is not null
    ), there as (
        select id from muster.groups where id in (select id from named) for key share
    )
    select count(*) into missing from named where id is not null and id not in (select id from there);
    if missing > 0 then
        raise foreign_key_violation using message = 'a membership names a group that is not there';
    end if;

    -- What is made again: foreign keys of other tables, triggers, grants, comments.
    for statement in
        select format('alter table %s add constraint %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
        from pg_constraint
        where confrelid in ('muster.accounts'::regclass, 'muster.memberships'::regclass)
        union all
        select pg_get_triggerdef(oid)
        from pg_trigger
        where tgrelid in ('muster.accounts'::regclass, 'muster.memberships'::regclass) and not tgisinternal
        union all
        select format('comment on table muster.%I is %L', relname, obj_description(oid, 'pg_class'))
        from pg_class
        where oid in ('muster.accounts'::regclass, 'muster.memberships'::regclass)
    loop
        again := again || statement;
    end loop;
    for statement in
        select format('alter table %s drop constraint %I', conrelid::regclass, conname)
        from pg_constraint
        where confrelid in ('muster.accounts'::regclass, 'muster.memberships'::regclass)
    loop
        execute statement;
    end loop;

    foreach part in array array['accounts', 'memberships'] loop
        select relacl, relowner into earlier, owner from pg_class where oid = format('muster.%I', part)::regclass;
        for statement in
            select case
                when contype is null then format('alter index muster.%I rename to %I', left('load_' || index.relname, 63), index.relname)
                else format('alter table muster.%I add constraint %I %s using index %I', part, conname,
                    case contype when 'p' then 'primary key' else 'unique' end, left('load_' || index.relname, 63))
            end
            from pg_index
            join pg_class index on index.oid = indexrelid
            left join pg_constraint on conindid = indexrelid and contype in ('p', 'u')
            where indrelid = format('muster.%I', part)::regclass
        loop
            again := statement || again;
        end loop;
        -- Anything that depends on it stops this.
        execute format('drop table muster.%I', part);
        execute format('alter table muster.%I rename to %I', 'load_' || part, part);
        execute format('alter table muster.%I reset (autovacuum_enabled)', part);
        for grantee in
            select distinct case acl.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end
            from pg_class, aclexplode(relacl) acl
            where pg_class.oid = format('muster.%I', part)::regclass
        loop
            execute format('revoke all on muster.%I from %s', part, grantee);
        end loop;
        for statement in
            select format('grant %s on muster.%I to %s%s', privilege_type, part,
                case acl.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end,
                case when is_grantable then ' with grant option' else '' end)
            from aclexplode(coalesce(earlier, acldefault('r', owner))) acl
            where earlier is not null
                or (select relacl is not null from pg_class where pg_class.oid = format('muster.%I', part)::regclass)
        loop
            execute statement;
        end loop;
    end loop;
    foreach statement in array again loop
        execute statement;
    end loop;
end
$$
