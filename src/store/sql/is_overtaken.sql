-- Finished runs of the same source after run $1 whose list was not held as a whole.
select later.id
from muster.runs run
join muster.runs later on later.source = run.source and later.started_at > run.started_at
    and later.inputs <> run.inputs
where run.id = $1 and later.state = 'finished' and cardinality(later.inputs) > 0
    and not coalesce(later.gates, '[]') @> '[{"class": "content", "ruling": "held"}]'
limit 1
