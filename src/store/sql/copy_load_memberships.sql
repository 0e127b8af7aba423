copy muster.load_memberships (account_id, group_id, run_id, roles, inherited) from stdin (format binary)
