-- All groups, and sessions under the keys that they have among groups: key, id, whether they are public, the key of the group above.
select grouping.key, grouping.id, grouping.visibility = 'public', above.key
from muster.groups grouping
left join muster.groups above on above.id = grouping.parent_id
union all
select '//' || key, id, false, null from muster.sessions
