-- Every session, or only $1, with how many accounts are enrolled and how many people have a mail about it.
select
    session.id, session.name, session.key,
    extract(epoch from session.starts_at)::bigint, extract(epoch from session.ends_at)::bigint,
    session.time_zone, session.place, session.link, session.revision,
    (select count(*) from muster.enrolments enrolment where enrolment.session_id = session.id),
    (
        select count(distinct invitation.account_id) from muster.invitations invitation
        where invitation.session_id = session.id and invitation.state in ('sending', 'sent', 'unknown')
    ),
    extract(epoch from session.changed_at)::bigint
from muster.sessions session
where $1::uuid is null or session.id = $1
order by session.starts_at, session.key
