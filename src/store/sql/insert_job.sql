insert into muster.jobs (id, args, stdin, kind, about, leads_to, who, session_id, subject)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
