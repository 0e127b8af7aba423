-- The pipelines, as they were named, by which accounts $1::uuid[] were invited last, or else were made;
-- null for the default.
select distinct case when last.id is not null then last.pipeline else made.pipeline end
from muster.accounts account
left join muster.runs made on made.id = account.run_id
left join lateral (
    -- Links that were handed over before their pipeline was kept: the run's.
    select invitation.id, coalesce(invitation.pipeline, run.pipeline) as pipeline
    from muster.invitations invitation
    left join muster.runs run on run.id = invitation.run_id
    where invitation.account_id = account.id
    order by invitation.created_at desc, invitation.id desc
    limit 1
) last on true
where account.id = any ($1)
