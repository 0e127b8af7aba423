-- Writes what accounts held before, and what that changed. $1 the undo, $2 an array of objects.
with wanted as (
    select *
    from jsonb_to_recordset($2::text::jsonb) as wanted (
        row integer, account_id uuid,
        external_id text, email text, email_key text, username text, username_key text,
        first_name text, last_name text, display_name text, phone text, country text, language text, organization text,
        role text, other_roles text, status text, start_date date, end_date date, manager text, attributes jsonb,
        before jsonb, after jsonb
    )
),
updated as (
    update muster.accounts a
    set external_id = w.external_id, email = w.email, email_key = w.email_key,
        username = w.username, username_key = w.username_key,
        first_name = w.first_name, last_name = w.last_name, display_name = w.display_name,
        phone = w.phone, country = w.country, language = w.language, organization = w.organization,
        role = w.role, other_roles = coalesce(string_to_array(w.other_roles, '; '), '{}'), status = w.status, start_date = w.start_date, end_date = w.end_date, manager = w.manager,
        attributes = w.attributes, updated_at = now()
    from wanted w
    where a.id = w.account_id
    returning w.row, w.account_id, w.before, w.after
)
insert into muster.changes (run_id, row, account_id, before, after)
select $1, row, account_id, before, after from updated
