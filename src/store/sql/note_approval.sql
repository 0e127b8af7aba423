-- What run $1 held of the classes $2 was let through: run $3 did it.
with judged as (
    select jsonb_agg(
        case when gate ->> 'ruling' = 'held' and gate ->> 'class' = any ($2)
            then gate || jsonb_build_object('ruling', 'allowed', 'approved_in', $3::text)
            else gate
        end order by place) as gates
    from muster.runs, jsonb_array_elements(gates) with ordinality as of (gate, place)
    where id = $1
)
update muster.runs run
set gates = judged.gates, summary = jsonb_set(run.summary, '{gates}', judged.gates)
from judged
where run.id = $1 and judged.gates is not null
