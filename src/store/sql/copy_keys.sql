copy muster_keys (row, external_id, email_key, username_key, account_id) from stdin (format binary)
