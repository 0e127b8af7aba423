-- The groups of $1::text[] that exist.
select key, id from muster.groups where key = any ($1)
