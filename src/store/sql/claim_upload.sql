update muster.uploads
set settings = jsonb_set(settings, '{import}', to_jsonb($3::text))
where id = $1 and settings ->> 'import' is not distinct from $2::text
