"""DuckDB's thin check of a CSV file: prints the rows that differ, and those with an e-mail address."""

import sys

import duckdb

COLUMNS = "external_id email first_name last_name phone country language organization groups start_date".split()

cleaned = {column: f"nfc_normalize(trim({column}))" for column in COLUMNS}
cleaned["email"] = f"lower({cleaned['email']})"
values = ", ".join(f"{value} as {column}" for column, value in cleaned.items())
query = f"""
    with people as (
        select distinct {values}
        from read_csv(?, header = true, all_varchar = true, delim = ',', quote = '"', escape = '"')
    )
    select count(*), count(*) filter (where regexp_matches(email, '^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$'))
    from people
"""
print(*duckdb.connect().execute(query, [sys.argv[1]]).fetchone())
