    delete from {table} m where m.{account} = old.native_key::{kind};
    delete from muster.membership_links where account_key = old.native_key;
