-- The newest file that was imported from the folder $1 by the pipeline $2.
select max(summary -> 'dropped' ->> 'dated'),
    max(summary -> 'dropped' ->> 'modified_at') filter (where summary -> 'dropped' ->> 'dated' is null)
from muster.runs
where kind = 'import' and state = 'finished'
    and summary -> 'dropped' ->> 'folder' = $1 and pipeline is not distinct from $2
    and not exists (
        select from muster.runs as undo where undo.undoes = runs.id and undo.state = 'finished'
    )
