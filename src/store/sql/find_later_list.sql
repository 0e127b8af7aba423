-- Finished imports of source $1 since $2 of other files than $3, whose list was not held as a whole.
select id
from muster.runs
where source = $1 and started_at > $2::text::timestamptz and inputs <> $3
    and state = 'finished' and kind = 'import' and cardinality(inputs) > 0
    and not coalesce(gates, '[]') @> '[{"class": "content", "ruling": "held"}]'
limit 1
