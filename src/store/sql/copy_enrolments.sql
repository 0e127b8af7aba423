copy muster.enrolments (account_id, session_id, run_id) from stdin (format binary)
