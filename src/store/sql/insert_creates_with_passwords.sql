-- As insert_creates.sql, each account with its password, if it brought one along.
with made as (
    insert into muster.accounts (
        id, external_id, email, email_key, username, username_key,
        first_name, last_name, display_name, phone, country, language, organization,
        role, other_roles, status, start_date, end_date, manager, attributes, run_id, run_row
    )
    select
        id, external_id, email, email_key, username, username_key,
        first_name, last_name, display_name, phone, country, language, organization,
        role, other_roles, status, start_date, end_date, manager, attributes, run_id, run_row
    from muster_creates
    where run_row between $1 and $2
    order by email_key, external_id, username_key
    on conflict do nothing
    returning id, run_row
),
secured as (
    insert into muster.credentials (account_id, password_hash, run_id, must_change)
    select brought.account_id, brought.password_hash, brought.run_id, brought.must_change
    from muster_passwords brought join made on made.id = brought.account_id
)
select run_row from made
