-- Where a chunk waits when it can't go straight in, and where updates always do. One set per connection.
create temporary table if not exists muster_creates (
    id uuid, external_id text, email text, email_key text, username text, username_key text,
    first_name text, last_name text, display_name text, phone text, country text, language text, organization text,
    role text, other_roles text[], status text, start_date date, end_date date, manager text, attributes jsonb, run_id text, run_row integer
) on commit delete rows;

create temporary table if not exists muster_updates (
    row integer, account_id uuid, version text,
    external_id text, email text, email_key text, username text, username_key text,
    first_name text, last_name text, display_name text, phone text, country text, language text, organization text,
    role text, other_roles text[], status text, start_date date, end_date date, manager text, attributes jsonb,
    before jsonb, after jsonb
) on commit delete rows;

-- A row joins (or leaves) a group, or a session where it `enrols`; account_id is set also for accounts that the chunk creates. The
-- role is null for the membership itself, and empty for one that only came down from a group below.
create temporary table if not exists muster_moves (
    row integer, account_id uuid, group_id uuid, leaves boolean, role text, enrols boolean
) on commit delete rows;

create temporary table if not exists muster_passwords (
    account_id uuid, password_hash text, run_id text, must_change boolean
) on commit delete rows;
