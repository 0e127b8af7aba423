    delete from {table} g where g.{key} = old.native_key::{kind};
    delete from muster.group_links where key = old.native_key;
    return old;
