//! What holds for every pipeline that doesn't say it itself, and where things listen.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::Store;
use super::audit::Act;
use crate::definition::Mail;
use crate::refusal::Result;

const DOING: &str = "reading the settings";

/// What owners set for all mails. An empty text is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MailSettings {
    /// Who sends, as `Name <address>`.
    pub from: String,
    /// Where answers go.
    pub reply_to: String,
    /// What mails call the place that people are invited to.
    pub product: String,
}

/// The names of the settings, in the order of their fields.
pub const MAIL_SETTINGS: [&str; 3] = ["from", "reply_to", "product"];

impl MailSettings {
    /// Their values, by [`MAIL_SETTINGS`].
    pub fn values(&self) -> [&str; 3] {
        [&self.from, &self.reply_to, &self.product]
    }

    /// A value of that name, to be set.
    pub fn value_mut(&mut self, name: &str) -> Option<&mut String> {
        match name {
            "from" => Some(&mut self.from),
            "reply_to" => Some(&mut self.reply_to),
            "product" => Some(&mut self.product),
            _ => None,
        }
    }

    /// Fills in what a pipeline leaves open.
    pub fn fill(&self, mail: &mut Mail) {
        let set = |value: &str| Some(value.to_string()).filter(|value| !value.is_empty());
        mail.from = mail.from.take().or_else(|| set(&self.from));
        mail.reply_to = mail.reply_to.take().or_else(|| set(&self.reply_to));
        if mail.product == Mail::default().product && !self.product.is_empty() {
            mail.product.clone_from(&self.product);
        }
    }
}

/// What listens somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listening {
    /// `muster console`.
    Console,
    /// `muster serve`, which links lead to.
    Page,
}

impl Listening {
    fn name(self) -> &'static str {
        match self {
            Listening::Console => "console",
            Listening::Page => "page",
        }
    }
}

/// Where this machine opens what listens at `address`.
pub fn here(mut address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("http://{address}/")
}

impl Store {
    /// What owners set for all mails.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn mail_settings(&self) -> Result<MailSettings> {
        let mut settings = MailSettings::default();
        let rows = self.query("select name, value from muster.mail_settings", &[], DOING)?;
        for row in &rows {
            if let Some(value) = settings.value_mut(row.get(0)) {
                *value = row.get(1);
            }
        }
        Ok(settings)
    }

    /// Sets what holds for all mails. An empty text takes a setting away.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn set_mail_settings(&self, settings: &MailSettings) -> Result<()> {
        self.act("writing the settings", async |client| {
            for (name, value) in MAIL_SETTINGS.iter().zip(settings.values()) {
                if value.is_empty() {
                    let sql = "delete from muster.mail_settings where name = $1";
                    client.execute(sql, &[name]).await?;
                    continue;
                }
                let sql = "insert into muster.mail_settings (name, value) values ($1, $2)
                    on conflict (name) do update set value = excluded.value, set_at = now()
                    where mail_settings.value <> excluded.value";
                client.execute(sql, &[name, &value]).await?;
            }
            Ok(((), Act::about("mail")))
        })
    }

    /// Notes where something listens now.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn set_place(&self, what: Listening, url: &str) -> Result<()> {
        let sql = "insert into muster.places (name, url) values ($1, $2)
            on conflict (name) do update set url = excluded.url, since = now()";
        self.execute(sql, &[&what.name(), &url], "writing where it listens")?;
        Ok(())
    }

    /// Where something listens, or listened last: an address that ends in a slash.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn place(&self, what: Listening) -> Result<Option<String>> {
        let sql = "select url from muster.places where name = $1";
        let rows = self.query(sql, &[&what.name()], "reading where it listens")?;
        Ok(rows.first().map(|row| row.get(0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::connect::Target;
    use crate::store::scratch::Home;

    #[test]
    fn settings_fill_in_what_a_pipeline_leaves_open() {
        let home = Home::new("home");
        let store = Store::open(Target::Local(home.local.clone())).unwrap();
        assert_eq!(store.mail_settings().unwrap(), MailSettings::default());
        let set = MailSettings {
            from: "HR <hr@firm.eu>".to_string(),
            reply_to: String::new(),
            product: "Acme".to_string(),
        };
        store.set_mail_settings(&set).unwrap();
        let kept = store.mail_settings().unwrap();
        assert_eq!(kept, set);
        let mut open = Mail::default();
        kept.fill(&mut open);
        assert_eq!(
            (open.from.as_deref(), open.product.as_str()),
            (Some("HR <hr@firm.eu>"), "Acme")
        );
        let mut own = Mail {
            from: Some("IT <it@firm.eu>".to_string()),
            product: "Ours".to_string(),
            ..Mail::default()
        };
        kept.fill(&mut own);
        assert_eq!(
            (own.from.as_deref(), own.product.as_str()),
            (Some("IT <it@firm.eu>"), "Ours")
        );
        store.set_mail_settings(&MailSettings::default()).unwrap();
        assert_eq!(store.mail_settings().unwrap(), MailSettings::default());
    }

    #[test]
    fn the_last_place_is_known() {
        let home = Home::new("home");
        let store = Store::open(Target::Local(home.local.clone())).unwrap();
        assert_eq!(store.place(Listening::Page).unwrap(), None);
        for url in ["http://127.0.0.1:8480/", "http://127.0.0.1:9000/"] {
            store.set_place(Listening::Page, url).unwrap();
            assert_eq!(store.place(Listening::Page).unwrap().as_deref(), Some(url));
        }
        assert_eq!(store.place(Listening::Console).unwrap(), None);
    }
}
