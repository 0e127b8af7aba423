-- Which of the runs $1 are imports, whether they were made by the pipeline $2, and how many rows they read.
select id, coalesce(source, summary #>> '{pipeline,name}') is not distinct from $2,
    coalesce((summary #>> '{counts,read}')::bigint, 0)
from muster.runs
where id = any ($1) and kind = 'import' and id <> $3
