-- The groups, and sessions as groups have keys, of $1::text[] that exist.
select key from muster.groups where key = any ($1)
union all
select '//' || key from muster.sessions where '//' || key = any ($1)
