//! Commands as a shell takes them.

/// A word as a POSIX shell takes it.
pub fn word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,=".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_string()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// A command of muster with its arguments.
pub fn command(args: &[String]) -> String {
    let words = args.iter().map(|arg| word(arg));
    let words: Vec<String> = std::iter::once("muster".to_string()).chain(words).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_needs_it() {
        let args = ["import", "it's here.csv", ""].map(String::from);
        assert_eq!(command(&args), r"muster import 'it'\''s here.csv' ''");
    }
}
