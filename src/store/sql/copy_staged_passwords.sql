copy muster_passwords (account_id, password_hash, run_id, must_change) from stdin (format binary)
