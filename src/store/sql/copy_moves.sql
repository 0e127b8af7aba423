copy muster_moves (row, account_id, group_id, leaves, role, enrols) from stdin (format binary)
