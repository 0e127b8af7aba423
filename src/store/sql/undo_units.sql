-- The accounts that an undo has still to look at, and, where it is only planned, the memberships that would end.
create temporary table if not exists muster_units (
    row integer primary key, account_id uuid not null, action text not null
);
create temporary table if not exists muster_leaving (account_id uuid, group_id uuid);
truncate muster_units, muster_leaving;
