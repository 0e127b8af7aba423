create view muster.accounts as
select
{list}
from {table} u
join muster.links link on {is_linked}{only};
