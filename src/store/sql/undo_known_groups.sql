-- The groups of $1::text[] that exist.
select key from muster.groups where key = any ($1)
