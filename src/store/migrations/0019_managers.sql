-- Who the manager of an account is, as an account. The text stays as it was typed; it is looked up when it
-- is asked for, so that it follows every import, change and undo. A function, because `muster.accounts` may
-- be a view of another application's table, which nothing may depend on.

-- An account for each account that has a manager: one with that external id, e-mail address or username, in
-- this order, else the only one with that full name, written either way round. Null where nobody is called
-- so, or several people are. Keys of other than ASCII letters are found as they are stored, in lower case.
create function muster.managers() returns table (account_id uuid, manager text, manager_id uuid)
language sql stable set search_path = pg_catalog, pg_temp
as $$
    with named as (
        -- Directories write `CN=Jane Doe,OU=People`.
        select account.id, account.manager,
            case when account.manager ~* '^cn=' then substr(split_part(account.manager, ',', 1), 4)
                else account.manager end as text
        from muster.accounts account
        where account.manager is not null
    ), asked as (
        select named.id, named.manager, named.text, lower(named.text) as lower,
            lower(regexp_replace(named.text, '^\s*([^,]+?)\s*,\s*([^,]+?)\s*$', '\2 \1')) as name
        from named
    ), people as (
        select lower(concat_ws(' ', first_name, last_name)) as name, min(id::text)::uuid as id
        from muster.accounts
        where first_name is not null and last_name is not null
        group by 1
        having count(*) = 1
    )
    select asked.id, asked.manager, coalesce(by_id.id, by_email.id, by_username.id, people.id)
    from asked
    left join muster.accounts by_id on by_id.external_id = asked.text collate "C"
    left join muster.accounts by_email on by_email.email_key = asked.lower collate "C"
    left join muster.accounts by_username on by_username.username_key = asked.lower collate "C"
    left join people on people.name = asked.name
$$;
