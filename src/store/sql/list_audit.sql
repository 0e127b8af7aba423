-- Of a run, what it did; it is known when it ends.
select audit.id, (extract(epoch from audit.at) * 1000000)::bigint, audit.who, audit.session_id,
    audit.address, audit.action, audit.about,
    coalesce(nullif(audit.counts, '{}'), runs.summary -> 'counts', '{}')::text,
    audit.command, runs.id is not null, admins.name
from muster.audit
left join muster.runs on runs.id = audit.about
left join muster.admins on admins.id::text = audit.about
where ($1::text is null or position(lower($1) in lower(audit.who)) > 0)
    and ($2::text is null or audit.action = $2)
    and ($3::text is null or audit.about = $3)
    and ($4::uuid is null or audit.people @> array[$4])
order by audit.id desc
limit $5 offset $6
