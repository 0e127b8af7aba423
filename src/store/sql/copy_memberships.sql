copy muster.memberships (account_id, group_id, run_id) from stdin (format binary)
