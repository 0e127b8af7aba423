copy muster_passwords (account_id, password_hash, run_id) from stdin (format binary)
