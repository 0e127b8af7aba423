-- Accounts that are spread over several servers: muster.accounts becomes a view of a table that is
-- partitioned by the hash of the account's id. Run once by the owner of the schema `muster`, before there
-- is any account; then make the partitions, as README.md here says.
begin;

do $$
begin
    if exists (select from muster.accounts) then
        raise exception 'muster.accounts has rows; spread them before the first import';
    end if;
end
$$;

create table muster.account_shards (like muster.accounts including defaults including constraints)
    partition by hash (id);

-- No unique index reaches over servers. Who has which key is kept here instead, in the transaction that
-- gives it: two that want the same one queue up, and the later fails.
create table muster.account_keys (
    kind       text collate "C" not null check (kind in ('external_id', 'email', 'username')),
    key        text collate "C" not null,
    account_id uuid not null,
    primary key (kind, key)
);
create index account_keys_account on muster.account_keys (account_id);

create function muster.keep_keys() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    delete from muster.account_keys held
    using (values
        ('external_id', old.external_id, new.external_id),
        ('email', old.email_key, new.email_key),
        ('username', old.username_key, new.username_key)
    ) as change (kind, was, became)
    where held.kind = change.kind and held.key = change.was and held.account_id = old.id
        and change.was is distinct from change.became;
    insert into muster.account_keys (kind, key, account_id)
    select kind, became, new.id
    from (values
        ('external_id', old.external_id, new.external_id),
        ('email', old.email_key, new.email_key),
        ('username', old.username_key, new.username_key)
    ) as change (kind, was, became)
    where became is not null and became is distinct from was;
    return null;
end
$$;
create trigger keep_keys after insert or update or delete on muster.account_shards
    for each row execute function muster.keep_keys();

-- What foreign keys did.
create function muster.forget_account() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    delete from muster.memberships where account_id = old.id;
    delete from muster.credentials where account_id = old.id;
    delete from muster.absences where account_id = old.id;
    update muster.invitations set account_id = null where account_id = old.id;
    return null;
end
$$;
create trigger forget_account after delete on muster.account_shards
    for each row execute function muster.forget_account();

create trigger note_edits before update on muster.account_shards for each row
    when (old.* is distinct from new.* and coalesce(current_setting('muster.writes', true), '') <> 'on')
    execute function muster.note_edits();

drop table muster.accounts cascade;

-- Simple enough to be written through. A row of another server has no version of its own: its values say
-- whether it is the same.
create view muster.accounts as
select
    id, external_id, email, email_key, username, username_key,
    first_name, last_name, display_name, phone, country, language, organization,
    role, status, start_date, manager, attributes, run_id, run_row, created_at, updated_at,
    other_roles, edits, end_date,
    hashtextextended(account_shards::text, 0)::text as xmin
from muster.account_shards;

commit;
