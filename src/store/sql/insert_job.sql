insert into muster.jobs (id, args, stdin, kind, about, who, session_id)
values ($1, $2, $3, $4, $5, $6, $7)
