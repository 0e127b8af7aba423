-- Password hashes of accounts that the same transaction makes.
copy muster.credentials (account_id, password_hash, run_id, must_change) from stdin (format binary)
