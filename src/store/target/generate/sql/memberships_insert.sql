    insert into {table} ({names})
    select {values}
    where not exists (select from {table} m where m.{account} = {to_account} and m.{group} = {to_group})
    on conflict do nothing;
    if found then
        insert into muster.membership_links (account_key, group_key, run_id)
        values (muster_account, muster_group, new.run_id)
        on conflict (account_key, group_key) do update set run_id = excluded.run_id;
    end if;
    return new;
