//! `[mail]`: who writes, what the links are, and how fast mails go out.

use std::net::IpAddr;

use jiff::civil::Time;
use serde::Deserialize;

use super::lifetime;
use super::place::{Checked, Mistake};

/// `[mail]`: who writes, what the links are, and how fast mails go out.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mail {
    /// Who sends, as `Name <address>`; needed for SMTP.
    pub from: Option<String>,
    /// Where answers go, when not to `from`.
    pub reply_to: Option<String>,
    /// What the mails call the place that people are invited to.
    pub product: String,
    /// Whom to ask: an address or a URL that is at the end of every mail.
    pub contact: Option<String>,
    /// Where links lead, without the token: `https://…`; plain `http` only to this machine. Without
    /// one they lead to the page of `muster serve`.
    pub link_base: Option<String>,
    /// The language of mails to people whose own has no template.
    pub language: String,
    /// A folder of edited templates, as `muster templates export` writes it.
    pub templates: Option<String>,
    /// How long an invitation works: `7 days`, `12 hours`, or `never`.
    pub invitation_expires: String,
    /// How long a reset link works.
    pub reset_expires: String,
    /// How long a temporary password works.
    pub temporary_expires: String,
    /// Lets `muster reset --temporary-password` mail passwords. Such mails can't be recalled.
    pub temporary_passwords: bool,
    /// The fewest characters of a password that somebody chooses.
    pub password_min: usize,
    /// Who gets the mail of `muster report`.
    pub admin: Option<String>,
    /// Where the folders of runs can be read in a browser; the run's id is put after it.
    pub summary_base: Option<String>,
    /// The mail server: `smtp://user@host:587` (STARTTLS) or `smtps://user@host:465`. The password
    /// comes from `MUSTER_SMTP_PASSWORD`. `MUSTER_SMTP` goes before this; without either, mails go
    /// to a folder of `.eml` files.
    pub smtp: Option<String>,
    /// A PEM file with the authority of the mail server's certificate, beside the system's.
    pub smtp_ca: Option<String>,
    /// Connections to the mail server, 1 to 16.
    pub connections: usize,
    /// Mails a minute, over all connections; 0 for no limit.
    pub per_minute: u32,
    /// Mails a minute to one domain; 0 for no limit.
    pub per_domain_per_minute: u32,
    /// Minutes over which the rate grows from a tenth to the whole; 0 for none.
    pub ramp_up_minutes: u32,
    /// When no mail goes out, as `20:00-07:00`.
    pub quiet_hours: Option<String>,
    /// The time zone of `quiet_hours`, such as `Europe/Paris`; the system's when left out.
    pub time_zone: Option<String>,
    /// Seconds to wait before each further try at a mail that the server put off.
    pub retry_seconds: Vec<u64>,
    /// How long before a session begins people with a mail about it are reminded: `7 days`, `1 day`.
    pub session_reminders: Vec<String>,
    /// Share of refused mails among the first 200 at which sending stops.
    pub stop_refused: f64,
}

impl Default for Mail {
    fn default() -> Self {
        Mail {
            from: None,
            reply_to: None,
            product: "our platform".to_string(),
            contact: None,
            link_base: None,
            language: "en".to_string(),
            templates: None,
            invitation_expires: "7 days".to_string(),
            reset_expires: "24 hours".to_string(),
            temporary_expires: "3 days".to_string(),
            temporary_passwords: false,
            password_min: 15,
            admin: None,
            summary_base: None,
            smtp: None,
            smtp_ca: None,
            connections: 2,
            per_minute: 60,
            per_domain_per_minute: 0,
            ramp_up_minutes: 0,
            quiet_hours: None,
            time_zone: None,
            retry_seconds: vec![30, 120, 600],
            session_reminders: Vec::new(),
            stop_refused: 0.1,
        }
    }
}

impl Mail {
    /// The minutes before a session at which people are reminded.
    pub fn reminder_minutes(&self) -> Vec<i32> {
        // Checked when the pipeline was read.
        let minutes = self
            .session_reminders
            .iter()
            .filter_map(|text| lifetime(text).ok()?);
        minutes
            .filter_map(|minutes| i32::try_from(minutes).ok())
            .collect()
    }

    pub(super) fn check(&self) -> Checked {
        let wrong = |key: &str, message: &str| Err(Mistake::at(&["mail", key], message));
        for (key, value) in [
            ("invitation_expires", &self.invitation_expires),
            ("reset_expires", &self.reset_expires),
            ("temporary_expires", &self.temporary_expires),
        ] {
            if let Err(message) = lifetime(value) {
                return wrong(key, &message);
            }
        }
        for text in &self.session_reminders {
            match lifetime(text) {
                Ok(Some(1..)) => {}
                Ok(_) => {
                    let message =
                        "`session_reminders` are times before a session begins, such as `7 days`";
                    return wrong("session_reminders", message);
                }
                Err(message) => return wrong("session_reminders", &message),
            }
        }
        if !(1..=16).contains(&self.connections) {
            return wrong("connections", "`connections` must be from 1 to 16");
        }
        // NIST SP 800-63B-4, section 3.1.1.2: 15, or 8 where a second factor is asked for, too.
        if !(8..=64).contains(&self.password_min) {
            return wrong("password_min", "`password_min` must be from 8 to 64");
        }
        if !(0.0..=1.0).contains(&self.stop_refused) {
            return wrong("stop_refused", "`stop_refused` is a share, from 0 to 1");
        }
        if let Some(Err(message)) = self.link_base.as_deref().map(check_link_base) {
            return wrong("link_base", &message);
        }
        if let Some(Err(message)) = self.quiet_hours.as_deref().map(quiet_hours) {
            return wrong("quiet_hours", &message);
        }
        if let Some(zone) = &self.time_zone
            && jiff::tz::TimeZone::get(zone).is_err()
        {
            return wrong("time_zone", &format!("unknown time zone `{zone}`"));
        }
        Ok(())
    }
}

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

/// Whether a link may begin so.
///
/// # Errors
/// What is wrong with it: only `https`, or `http` to this machine, and no white space.
fn check_link_base(base: &str) -> Result<(), String> {
    if base.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("`link_base` has white space in it".to_string());
    }
    let (scheme, rest) = base.split_once("://").unwrap_or(("", base));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let host = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(""),
        None => host.split(':').next().unwrap_or(""),
    };
    let here = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    match scheme {
        "https" if !host.is_empty() => Ok(()),
        "http" if here => Ok(()),
        "http" => Err(
            "`link_base` must begin with `https://`; plain `http` only leads to this machine"
                .to_string(),
        ),
        _ => Err("`link_base` is not a URL such as `https://join.example.com/`".to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::check_link_base;

    #[test]
    fn links_begin_with_https_or_lead_to_this_machine() {
        for good in [
            "https://a.example",
            "http://localhost:8480/",
            "http://127.0.0.1/x",
            "http://[::1]:8480/",
        ] {
            assert_eq!(check_link_base(good), Ok(()), "{good}");
        }
        for bad in [
            "http://a.example/",
            "ftp://a.example",
            "a.example",
            "https://",
            "https://a b",
            "http://localhost.evil.example/",
            "http://127.0.0.1@evil.example/",
        ] {
            assert!(check_link_base(bad).is_err(), "{bad}");
        }
    }
}
