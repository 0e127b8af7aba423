-- Into the table that will replace the accounts.
copy muster.load_accounts (
    id, external_id, email, email_key, username, username_key,
    first_name, last_name, display_name, phone, country, language, organization,
    role, other_roles, status, start_date, end_date, manager, attributes, run_id, run_row
) from stdin (format binary)
