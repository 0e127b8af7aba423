copy muster_moves (row, account_id, group_id, leaves, role) from stdin (format binary)
