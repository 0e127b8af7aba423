//! What owners decided for everybody who works with the console.

use super::Store;
use super::audit::Act;
use crate::refusal::Result;

/// What is held is approved by somebody else than who started the run.
pub const SECOND_PERSON: &str = "second person";

const DOING: &str = "reading the rules of the console";

impl Store {
    /// Whether a rule holds; none does before an owner says so.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn rule(&self, name: &str) -> Result<bool> {
        let sql = "select is_on from muster.console_rules where name = $1";
        let rows = self.query(sql, &[&name], DOING)?;
        Ok(rows.first().is_some_and(|row| row.get(0)))
    }

    /// Says whether a rule holds from now on.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn set_rule(&self, name: &str, is_on: bool, who: &str) -> Result<()> {
        let sql = "insert into muster.console_rules (name, is_on, who) values ($1, $2, $3)
            on conflict (name) do update set is_on = excluded.is_on, who = excluded.who, set_at = now()";
        self.act("changing a rule of the console", async |client| {
            client.execute(sql, &[&name, &is_on, &who]).await?;
            Ok(((), Act::about(name).count("on", u64::from(is_on))))
        })
    }

    /// Who started a run, or went on with it, as the audit names them.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn started_by(&self, run: &str) -> Result<Vec<String>> {
        let sql = "select distinct who from muster.audit
            where about = $1 and action in ('import', 'apply', 'approve', 'add', 'due', 'people change')";
        let rows = self.query(sql, &[&run], DOING)?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// Whether somebody may not approve what is held of a run, because they started it.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn needs_somebody_else(&self, run: &str, who: &str) -> Result<bool> {
        Ok(self.rule(SECOND_PERSON)? && self.started_by(run)?.iter().any(|one| one == who))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::audit::Acting;
    use crate::store::connect::Target;
    use crate::store::scratch::Home;

    #[test]
    fn who_started_a_run_may_not_approve_it_once_that_is_a_rule() {
        let home = Home::new("rules");
        let mut store = Store::open(Target::Local(home.local.clone())).unwrap();
        let acting = |action: &str| Acting {
            who: "console:Ann Ng".to_string(),
            action: action.to_string(),
            ..Acting::default()
        };
        store.act_as(acting("import"));
        store.audit(&Act::about("20261130-1")).unwrap();
        store.act_as(acting("fix rows"));
        store.audit(&Act::about("20261130-2")).unwrap();
        let needs = |run: &str, who: &str| store.needs_somebody_else(run, who).unwrap();
        assert!(!needs("20261130-1", "console:Ann Ng"));
        store.set_rule(SECOND_PERSON, true, "console:Bo").unwrap();
        assert!(needs("20261130-1", "console:Ann Ng"));
        assert!(!needs("20261130-1", "console:Bo"));
        assert!(!needs("20261130-2", "console:Ann Ng"));
        store.set_rule(SECOND_PERSON, false, "console:Bo").unwrap();
        assert!(!needs("20261130-1", "console:Ann Ng"));
    }
}
