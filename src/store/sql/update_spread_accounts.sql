-- As update_accounts.sql, where accounts are spread over servers. These read and lock what they are told
-- by itself, not by a join, and lock it as they read it: no two chunks have an account in common.
-- $3::text  the run
with updated as (
    update muster.accounts a
    set external_id = s.external_id, email = s.email, email_key = s.email_key,
        username = s.username, username_key = s.username_key,
        first_name = s.first_name, last_name = s.last_name, display_name = s.display_name,
        phone = s.phone, country = s.country, language = s.language, organization = s.organization,
        role = s.role, other_roles = s.other_roles, status = s.status, start_date = s.start_date, end_date = s.end_date, manager = s.manager,
        attributes = s.attributes, updated_at = now()
    from muster_updates s
    where a.id = s.account_id
      and a.xmin::text = s.version
      and s.row between $1 and $2
      and a.id = any (array(select account_id from muster_updates where row between $1 and $2))
    returning s.row, s.account_id, s.before, s.after
)
insert into muster.changes (run_id, row, account_id, before, after)
select $3, row, account_id, before, after from updated
returning row
