-- Whether the run that processes share, or shared last, is that of the inputs $1 and the pipeline $2.
select inputs = $1 and pipeline_sha256 = $2
from muster.runs
where shared_at is not null
order by shared_at desc
limit 1
