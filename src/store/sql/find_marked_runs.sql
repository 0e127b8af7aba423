-- Which of the runs $1 are imports, and whether they were made by the pipeline $2.
select id, coalesce(source, summary #>> '{pipeline,name}') is not distinct from $2
from muster.runs
where id = any ($1) and kind = 'import' and id <> $3
