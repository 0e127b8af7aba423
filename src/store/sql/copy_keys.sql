copy muster_keys (row, external_id, email_key, username_key) from stdin (format binary)
