select accepted from muster.accept_invitation($1, $2, $3, $4) as accepted
