-- Why the accounts and memberships can't be replaced by tables that were filled apart, worst first: no row where they
-- can. A row with an empty reason: there are accounts, as in any later import.
-- $1::bigint  with more accounts than this, it is no first import
with real as (
    select pg_class.*, format('muster.%I', relname) as name
    from pg_class
    where oid in (to_regclass('muster.accounts'), to_regclass('muster.memberships'))
), reasons (rank, reason) as (
    select 0, ''
    where (select count(*) from (select from muster.accounts limit $1::bigint + 1) account) > $1::bigint
        or (select count(*) from (select from muster.memberships limit $1::bigint * 10 + 1) membership) > $1::bigint * 10
    union all
    select 1, name || ' is a view of another table' from real where relkind <> 'r'
    union all
    select 2, name || ' belongs to another role' from real
    where relkind = 'r' and relowner <> (select oid from pg_roles where rolname = current_user)
    union all
    select 3, 'the role may not make tables in the schema muster'
    where not has_schema_privilege(current_user, 'muster', 'create')
    union all
    select 4, name || ' has row-level security' from real
    where relrowsecurity or relforcerowsecurity or exists (select from pg_policy where polrelid = real.oid)
    union all
    select 5, format('%s has the trigger %I', name, tgname)
    from real join pg_trigger on tgrelid = real.oid
    where tgenabled <> 'O' or not tgisinternal and (
        tgname not in ('note_edits', 'end_memberships', 'end_all_memberships', 'keep_id', 'check_new', 'check_changed')
        or tgfoid not in (select oid from pg_proc where pronamespace = 'muster'::regnamespace)
    )
    union all
    select 6, format('%s refers to %s', (pg_identify_object('pg_class'::regclass, conrelid, 0)).identity, name)
    from real join pg_constraint on confrelid = real.oid
    where conrelid not in (
        select oid from pg_class where relnamespace = 'muster'::regnamespace and relowner = real.relowner and relkind = 'r'
    )
    union all
    select 7, format('%s has the constraint %I', name, conname)
    from real join pg_constraint on conrelid = real.oid
    where contype in ('f', 'x', 't') or condeferrable or contype = 'c' and not convalidated
    union all
    select 8, format('%s is published', name)
    from real where exists (
        select from pg_publication_tables where schemaname = 'muster' and tablename = real.relname
    )
    union all
    select 9, 'a logical replication slot reads this database'
    where exists (select from pg_replication_slots where slot_type = 'logical' and database = current_database())
    union all
    -- What else hangs on the tables, views before all; what is looked at above and what is made again is left out.
    select 10, format('%s depends on %s', case
            when dependent.classid = 'pg_rewrite'::regclass then (
                select format('the %s %s', object.type, object.identity)
                from pg_rewrite, pg_identify_object('pg_class'::regclass, ev_class, 0) object
                where pg_rewrite.oid = dependent.objid
            )
            else (
                select format('the %s %s', object.type, object.identity)
                from pg_identify_object(dependent.classid, dependent.objid, dependent.objsubid) object
            )
        end, name)
    from real join pg_depend dependent on
        dependent.refclassid = 'pg_class'::regclass and dependent.refobjid = real.oid
        or dependent.refclassid = 'pg_type'::regclass
            and dependent.refobjid in (real.reltype, (select typarray from pg_type where oid = real.reltype))
    where dependent.classid not in ('pg_constraint'::regclass, 'pg_trigger'::regclass, 'pg_attrdef'::regclass)
        and not (dependent.classid = 'pg_type'::regclass and dependent.deptype = 'i')
        and not (dependent.classid = 'pg_class'::regclass and dependent.objid in (
            select indexrelid from pg_index where indrelid = real.oid union all select real.reltoastrelid
        ))
    union all
    select 11, format('%s has settings of its own', name)
    from real
    where relpersistence <> 'p' or relispartition or reloftype <> 0 or reltablespace <> 0
        or array_to_string(reloptions, ' ') like '%autovacuum_enabled%'
        or relreplident <> 'd' or relhasrules or relam <> (select oid from pg_am where amname = 'heap')
        or exists (select from pg_inherits where real.oid in (inhrelid, inhparent))
        or exists (select from pg_class toast where toast.oid = real.reltoastrelid and toast.reloptions is not null)
        or exists (select from pg_seclabel where classoid = 'pg_class'::regclass and objoid = real.oid)
        or exists (select from pg_depend where classid = 'pg_class'::regclass and objid = real.oid and deptype in ('e', 'x'))
        or exists (
            select from pg_attribute
            where attrelid = real.oid and attnum > 0 and not attisdropped and (
                attoptions is not null or attgenerated <> '' or attidentity <> '' or coalesce(attstattarget, -1) <> -1
            )
        )
        or exists (
            select from pg_index join pg_class index on index.oid = indexrelid
            where indrelid = real.oid and (
                not indisvalid or indisclustered or indisreplident or not indimmediate or index.reltablespace <> 0
                or exists (select from pg_description where classoid = 'pg_class'::regclass and objoid = index.oid)
            )
        )
    union all
    select 12, format('%s has grants that its owner did not make, or grants of columns', name)
    from real
    where exists (select from aclexplode(relacl) acl where acl.grantor <> relowner)
        or exists (select from pg_attribute where attrelid = real.oid and attacl is not null)
)
select reason from reasons order by rank, reason limit 1
