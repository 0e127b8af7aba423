    perform from {table} u where u.{id} = old.native_key::{kind} and u.xmin = old.xmin for update;
    if not found then
        return null;
    end if;
{memberships}    delete from {table} u where u.{id} = old.native_key::{kind};
    delete from muster.credentials where account_id = old.id;
    delete from muster.absences where account_id = old.id;
    delete from muster.enrolments where account_id = old.id;
    update muster.invitations set account_id = null where account_id = old.id;
    delete from muster.links where key = old.native_key;
    return old;
