-- Rows of a run whose changes are in though no chunk has them: they passed on keys to each other.
select change.row
from muster.changes change
where change.run_id = $1 and change.row >= 0
    and not exists (
        select from muster.chunks chunk
        where chunk.run_id = $1 and chunk.first_row >= 0
            and change.row between chunk.first_row and chunk.first_row + chunk.rows - 1
    )
