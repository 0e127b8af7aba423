-- Memberships are checked a statement at a time, and an index holds only whom it is for. A foreign key
-- looks up and locks the account and the group of every membership for itself, which was over half of
-- the server's work in a large import; benches/README.md has the figures.

-- What the two foreign keys of the memberships did. The accounts and groups that this transaction made
-- need no lock, for nobody else can remove them. The plans are told to go by the indexes, since
-- they are kept while the tables grow.
create function muster.check_memberships() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    others uuid[];
    locked bigint;
begin
    select array_agg(named.group_id) into others
    from (select distinct group_id from added) named
    left join muster.groups on groups.id = named.group_id
    where groups.id is null or groups.xmin <> pg_current_xact_id()::xid;
    if others is not null then
        perform from muster.groups where id = any (others) order by id for key share;
        get diagnostics locked = row_count;
        if locked < cardinality(others) then
            raise foreign_key_violation using message = 'a membership names a group that is not there',
                schema = 'muster', table = 'memberships', column = 'group_id';
        end if;
    end if;
    -- Where the accounts are a view of somebody else's table, its triggers keep the two together.
    if (select relkind from pg_class where oid = 'muster.accounts'::regclass) = 'v' then
        return null;
    end if;
    select array_agg(distinct named.account_id) into others
    from added named
    left join muster.accounts on accounts.id = named.account_id
    where accounts.id is null or accounts.xmin <> pg_current_xact_id()::xid;
    if others is not null then
        perform from muster.accounts where id = any (others) order by id for key share;
        get diagnostics locked = row_count;
        if locked < cardinality(others) then
            raise foreign_key_violation using message = 'a membership names an account that is not there',
                schema = 'muster', table = 'memberships', column = 'account_id';
        end if;
    end if;
    return null;
end
$$;

-- What `on delete cascade` did, for accounts and for groups. At repeatable read it couldn't see a membership
-- that somebody else adds meanwhile, and would leave it behind.
create function muster.end_memberships() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
    if tg_op = 'TRUNCATE' then
        delete from muster.memberships;
    elsif not exists (select from removed) then
        return null;
    elsif current_setting('transaction_isolation') = 'repeatable read' then
        raise feature_not_supported using
            message = format('%s are not deleted at repeatable read', tg_table_name),
            hint = 'use read committed, or serializable', schema = 'muster', table = tg_table_name;
    elsif tg_table_name = 'accounts' then
        delete from muster.memberships where account_id in (select id from removed);
    else
        delete from muster.memberships where group_id in (select id from removed);
    end if;
    return null;
end
$$;

-- What `on update no action` did: an id that memberships name stays.
create function muster.keep_id() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if exists (select from muster.memberships where old.id in (account_id, group_id)) then
        raise foreign_key_violation using message = 'memberships name this id',
            schema = 'muster', table = tg_table_name, column = 'id';
    end if;
    return new;
end
$$;
revoke execute on function muster.check_memberships, muster.end_memberships, muster.keep_id from public;

do $$
declare
    name text;
begin
    if (select relkind from pg_catalog.pg_class where oid = 'muster.memberships'::regclass) <> 'r' then
        return;
    end if;
    alter table muster.memberships
        drop constraint if exists memberships_account_id_fkey, drop constraint if exists memberships_group_id_fkey;
    create trigger check_new after insert on muster.memberships
        referencing new table as added for each statement execute function muster.check_memberships();
    create trigger check_changed after update on muster.memberships
        referencing new table as added for each statement execute function muster.check_memberships();
    foreach name in array array['accounts', 'groups'] loop
        continue when (select relkind from pg_catalog.pg_class where oid = ('muster.' || name)::regclass) <> 'r';
        execute format('create trigger end_memberships after delete on muster.%I
            referencing old table as removed for each statement execute function muster.end_memberships()', name);
        execute format('create trigger end_all_memberships after truncate on muster.%I
            for each statement execute function muster.end_memberships()', name);
        execute format('create trigger keep_id before update of id on muster.%I
            for each row when (old.id <> new.id) execute function muster.keep_id()', name);
    end loop;
end
$$;

-- Whoever waits for a first day had it ahead when the account was made; most never do, and an entry for
-- each of them cost as much as that of the e-mail addresses.
do $$
begin
    if (select relkind from pg_catalog.pg_class where oid = 'muster.accounts'::regclass) = 'r' then
        drop index muster.accounts_start_date;
        create index accounts_start_date on muster.accounts (start_date)
            where status = 'invited' and start_date > (created_at at time zone 'UTC')::date;
    end if;
end
$$;
