select count(*)
from muster.audit
where ($1::text is null or position(lower($1) in lower(audit.who)) > 0)
    and ($2::text is null or audit.action = $2)
    and ($3::text is null or audit.about = $3)
    and ($4::uuid is null or audit.people @> array[$4])
