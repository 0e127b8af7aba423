//! A password that an administrator gives on stdin.

use std::io::{IsTerminal, Read};

use crate::definition::Definition;
use crate::issue::Code;
use crate::password::{Given, Known, Problem};
use crate::refusal::{Refusal, Result};

/// Reads one password from stdin, where it must be the only line, and checks it for everybody who gets
/// it by the rules of the page that links open.
///
/// # Errors
/// `usage.invalid` where it isn't taken; no message has it, or whom it doesn't suit.
pub(super) fn read(definition: &Definition, people: &[Known]) -> Result<Given> {
    let refuse = |what: String| Refusal::new(Code::UsageInvalid, what);
    if definition.target.is_some() {
        let what = "passwords of accounts in the application's table are kept by the application";
        return Err(refuse(what.to_string()).help("set them there"));
    }
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        // What is typed would be seen on the screen.
        return Err(
            refuse("--password-stdin reads no terminal".to_string()).help(
                "pipe the password in, from a file that only you can read or a password manager",
            ),
        );
    }
    let mut text = String::new();
    stdin
        .take(1 << 16)
        .read_to_string(&mut text)
        .map_err(|error| refuse(format!("the password can't be read from stdin: {error}")))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() {
        return Err(refuse("there is no password on stdin".to_string()).help("pipe one line in"));
    }
    let chars_min = definition.mail.password_min;
    Given::new(line, chars_min, people).map_err(|(problem, count)| {
        let why = match problem {
            Problem::Short => format!("it has fewer than {chars_min} characters"),
            Problem::Long => format!("it has more than {} characters", crate::password::CHARS_MAX),
            Problem::Control => "it has several lines, or a control character".to_string(),
            Problem::Name => format!("it contains the name of {}", counted(count)),
            Problem::Email => format!("it contains the address of {}", counted(count)),
            Problem::Product => "it contains the name of the product".to_string(),
            Problem::Easy => "it is easy to guess".to_string(),
        };
        refuse(format!("this password isn't taken: {why}"))
            .help("choose a longer one, such as four words that don't belong together; nothing was written")
    })
}

fn counted(count: usize) -> String {
    match count {
        1 => "one of these people".to_string(),
        count => format!("{count} of these people"),
    }
}
