//! Lengths of time, as `[mail]` and `[gates]` have them.

/// A length of time as written in `[mail]` and `[gates]`: `7 days`, `24 hours`, `90 minutes`; `None` for `never`.
///
/// # Errors
/// What is wrong with it.
pub fn lifetime(text: &str) -> Result<Option<u32>, String> {
    let wrong =
        || format!("`{text}` is not a length of time such as `7 days`, `24 hours` or `never`");
    if text.trim() == "never" {
        return Ok(None);
    }
    let (number, unit) = text.trim().split_once(' ').ok_or_else(wrong)?;
    let number: u32 = number.parse().map_err(|_| wrong())?;
    let minutes = match unit.trim().trim_end_matches('s') {
        "minute" => 1,
        "hour" => 60,
        "day" => 24 * 60,
        "week" => 7 * 24 * 60,
        _ => return Err(wrong()),
    };
    // A year: what is to last longer is meant to last for ever, and should say so.
    match number.checked_mul(minutes) {
        Some(all @ 1..=527_040) => Ok(Some(all)),
        _ => Err(format!("`{text}` is not between one minute and 366 days")),
    }
}
