copy muster_updates (
    row, account_id, version,
    external_id, email, email_key, username, username_key,
    first_name, last_name, display_name, phone, country, language, organization,
    role, other_roles, status, start_date, end_date, manager, attributes, before, after
) from stdin (format binary)
