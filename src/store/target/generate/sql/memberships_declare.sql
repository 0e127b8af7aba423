    muster_account text := (select link.key from muster.links link where link.account_id = new.account_id);
    muster_group text := (select link.key from muster.group_links link where link.group_id = new.group_id);
