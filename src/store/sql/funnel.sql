-- How far the people of a run have come; of all runs when none is named.
select
    (select count(*) from muster.accounts where run_id is not null and ($1::text is null or run_id = $1)),
    count(distinct account_id),
    count(distinct account_id) filter (where sent_at is not null),
    count(distinct account_id) filter (where state in ('queued', 'sending')),
    count(distinct account_id) filter (where state = 'failed'),
    count(distinct account_id) filter (where state = 'unknown'),
    count(distinct account_id) filter (where state = 'cancelled'),
    count(distinct account_id) filter (where state = 'expired' or state in ('sent', 'unknown') and expires_at <= now()),
    count(distinct account_id) filter (where state = 'accepted')
from muster.invitations
where kind in ('invite', 'reset', 'temporary') and ($1::text is null or run_id = $1)
