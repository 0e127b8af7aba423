copy muster_moves (row, account_id, group_id, leaves) from stdin (format binary)
