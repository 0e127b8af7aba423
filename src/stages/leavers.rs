//! leavers: people whom a full list no longer names or whose last day is over, and those whose
//! first day has come. What happens to each is decided here, from what the accounts say and the
//! pipeline's policy; pure.

use crate::leaver::Fate;
use crate::leaver::Leaver;
use crate::leaver::Why;
use crate::meaning::protection::Protected;

use crate::definition::{Definition, Leavers};

/// Decides what happens to each. `unknown_rows` are rows of the file that nobody can be found by:
/// each may be one of the leavers, so none is touched while there are any.
pub fn decide(leavers: &mut [Leaver], definition: &Definition, unknown_rows: u64) {
    let protected = Protected::of(definition);
    for leaver in leavers {
        leaver.fate = fate(leaver, &definition.leavers, &protected, unknown_rows);
    }
}

fn fate(leaver: &Leaver, policy: &Leavers, protected: &Protected, unknown_rows: u64) -> Fate {
    let roles = [&leaver.role].into_iter().chain(&leaver.other_roles);
    let is_early = leaver.runs < policy.grace_runs || leaver.days < policy.grace_days;
    match leaver.why {
        Why::StartDate => Fate::Activated,
        _ if protected.has(roles.map(String::as_str), leaver.email_key.as_deref()) => {
            Fate::Protected
        }
        Why::EndDate => Fate::Deactivated,
        Why::Missing if is_early => Fate::Waiting,
        Why::Missing if unknown_rows > 0 => Fate::Held,
        Why::Missing => Fate::Deactivated,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::parse;

    #[test]
    fn only_who_may_go_goes_and_only_when_it_is_time() {
        let text = "name = \"hr\"\n[leavers]\nmissing = \"deactivate\"\ngrace_runs = 2\ngrace_days = 3\n\
            protected = [\"Boss@Firm.eu\"]\nprotected_roles = [\"admin\"]\n[mail]\nadmin = \"it@firm.eu\"\n";
        let definition = parse("p.toml", text).unwrap().definition;
        let table = [
            ("a@firm.eu", "user", 2, 3, 0, Fate::Deactivated),
            ("a@firm.eu", "user", 1, 9, 0, Fate::Waiting),
            ("a@firm.eu", "user", 9, 2, 0, Fate::Waiting),
            ("a@firm.eu", "user", 2, 3, 1, Fate::Held),
            ("a@firm.eu", "admin", 9, 9, 0, Fate::Protected),
            ("boss@firm.eu", "user", 9, 9, 0, Fate::Protected),
            ("it@firm.eu", "user", 9, 9, 1, Fate::Protected),
        ];
        for (email, role, runs, days, unknown_rows, expected) in table {
            let mut leavers = [Leaver {
                email_key: Some(email.to_string()),
                role: role.to_string(),
                runs,
                days,
                ..Leaver::default()
            }];
            decide(&mut leavers, &definition, unknown_rows);
            assert_eq!(leavers[0].fate, expected, "{email} {role} {runs} {days}");
        }
    }
}
