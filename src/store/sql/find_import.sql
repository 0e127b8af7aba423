-- The latest import that read the file $1 by the pipeline $2, and whether another list was imported
-- by that pipeline since. One that was cut off counts only if it would be taken up again.
select id, state, summary::text, exists (
    select from muster.runs as later
    where later.kind = 'import' and later.state = 'finished' and later.pipeline_sha256 = $2
        and later.started_at > runs.started_at and not $1 = any (later.inputs)
)
from muster.runs
where kind = 'import' and pipeline_sha256 = $2
    and (inputs = array[$1] or state = 'finished' and $1 = any (inputs))
    -- What was taken back may be imported again.
    and not exists (
        select from muster.runs as undo where undo.undoes = runs.id and undo.state = 'finished'
    )
order by state = 'finished', started_at desc
limit 1
