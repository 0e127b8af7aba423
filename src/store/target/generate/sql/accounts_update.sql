{guards}    update {table} u
    set {sets}
    where u.{id} = old.native_key::{kind} and u.xmin = old.xmin
    returning u.xmin into muster_version;
    -- Somebody else wrote the row since it was read.
    if not found then
        return null;
    end if;
    update muster.links set email = {email}, email_key = {email_key}, username = {username}, username_key = {username_key},
        written_at = now(), version = muster_version
    where key = old.native_key;
    return new;
