-- The keys of the file's rows, for one match.
create temporary table if not exists muster_keys (
    row          integer not null,
    external_id  text collate "C",
    email_key    text collate "C",
    username_key text collate "C",
    -- Where it is known already; such a row has no keys here.
    account_id   uuid
);
truncate muster_keys;
