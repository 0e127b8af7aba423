-- What the files of the pipeline $1 looked like in its last finished run that was not held for it.
select (summary -> 'profile')::text
from muster.runs
where state = 'finished' and summary -> 'profile' is not null
    and summary -> 'pipeline' ->> 'name' = $1
    and not coalesce(gates, '[]') @> '[{"class": "content", "ruling": "held"}]'
order by started_at desc, id desc
limit 1
