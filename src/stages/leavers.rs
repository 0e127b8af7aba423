//! leavers: people who are missing from a full list or past their last day, and people whose first
//! day has come. What happens to each is decided here, from the accounts and the pipeline's policy.
//! Pure.

use crate::leaver::Leaver;
use crate::leaver::LeaverAction;
use crate::leaver::Why;
use crate::meaning::protection::Protected;

use crate::definition::{Definition, Leavers};

/// Decides what happens to each. `unknown_rows` are rows of the file that nobody can be found by:
/// each may be one of the leavers, so none is changed while there are any.
pub fn decide(leavers: &mut [Leaver], definition: &Definition, unknown_rows: u64) {
    let protected = Protected::of(definition);
    for leaver in leavers {
        leaver.action = leaver_action(leaver, &definition.leavers, &protected, unknown_rows);
    }
}

fn leaver_action(
    leaver: &Leaver,
    policy: &Leavers,
    protected: &Protected,
    unknown_rows: u64,
) -> LeaverAction {
    let roles = [&leaver.role].into_iter().chain(&leaver.other_roles);
    let is_early = leaver.runs < policy.grace_runs || leaver.days < policy.grace_days;
    match leaver.why {
        Why::StartDate => LeaverAction::Activated,
        _ if protected.has(roles.map(String::as_str), leaver.email_key.as_deref()) => {
            LeaverAction::Protected
        }
        Why::EndDate => LeaverAction::Deactivated,
        Why::Missing if is_early => LeaverAction::Waiting,
        Why::Missing if unknown_rows > 0 => LeaverAction::Held,
        Why::Missing => LeaverAction::Deactivated,
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
            ("a@firm.eu", "user", 2, 3, 0, LeaverAction::Deactivated),
            ("a@firm.eu", "user", 1, 9, 0, LeaverAction::Waiting),
            ("a@firm.eu", "user", 9, 2, 0, LeaverAction::Waiting),
            ("a@firm.eu", "user", 2, 3, 1, LeaverAction::Held),
            ("a@firm.eu", "admin", 9, 9, 0, LeaverAction::Protected),
            ("boss@firm.eu", "user", 9, 9, 0, LeaverAction::Protected),
            ("it@firm.eu", "user", 9, 9, 1, LeaverAction::Protected),
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
            assert_eq!(leavers[0].action, expected, "{email} {role} {runs} {days}");
        }
    }
}
