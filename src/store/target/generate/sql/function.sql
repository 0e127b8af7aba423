create or replace function muster.target_{part}_{event}() returns trigger
language plpgsql set search_path from current as $muster$
#variable_conflict use_column
declare
{declare}begin
{body}end
$muster$;
revoke execute on function muster.target_{part}_{event} from public;
