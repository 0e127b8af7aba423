insert into muster.audit (who, session_id, address, action, about, counts, command, people)
values ($1, $2, $3, $4, $5, $6::text::jsonb, $7, $8)
