//! When the next mail may go out: rate, rate of one domain, slow start, quiet hours. Pure: time
//! comes in, an answer goes out.

use jiff::civil::Time;

/// The hours of `20:00-07:00`, from and to. They may go over midnight.
///
/// # Errors
/// What is wrong with it.
pub fn quiet_hours(text: &str) -> Result<(Time, Time), String> {
    let wrong = || format!("`{text}` is not a span of hours such as `20:00-07:00`");
    let (from, to) = text.split_once('-').ok_or_else(wrong)?;
    let time = |text: &str| Time::strptime("%H:%M", text.trim()).map_err(|_| wrong());
    let hours = (time(from)?, time(to)?);
    if hours.0 == hours.1 {
        return Err(wrong());
    }
    Ok(hours)
}
