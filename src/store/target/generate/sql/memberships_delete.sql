    delete from {table} m where m.{account} = {old_account} and m.{group} = {old_group};
    delete from muster.membership_links where account_key = old.account_key and group_key = old.group_key;
    return old;
