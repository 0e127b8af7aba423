-- Every session, with how many accounts are enrolled and how many people have a mail about it.
select
    session.id, session.name, session.key,
    extract(epoch from session.starts_at)::bigint, extract(epoch from session.ends_at)::bigint,
    session.time_zone, session.place, session.link, session.revision,
    (select count(*) from muster.enrolments enrolment where enrolment.session_id = session.id),
    (
        select count(distinct invitation.account_id) from muster.invitations invitation
        where invitation.session_id = session.id and invitation.state in ('sending', 'sent', 'unknown')
    )
from muster.sessions session
order by session.starts_at, session.key
