//! `links.csv` and `links.html`: links that are handed over in person, with a card a person to print.
//! The page has no script and loads nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fast_qr::{ECL, QRBuilder};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::csv::{Csv, Style};
use crate::definition::Mail;

const STYLE: &str = include_str!("cards.css");

/// The modules around a QR code that stay light (ISO/IEC 18004).
const QUIET: usize = 4;

/// What a card says in one language.
pub struct Words {
    /// BCP 47 tag.
    pub tag: &'static str,
    product: &'static str,
    title: &'static str,
    name: &'static str,
    username: &'static str,
    email: &'static str,
    what: &'static str,
    ends: &'static str,
    secret: &'static str,
    questions: &'static str,
}

#[rustfmt::skip]
const WORDS: [Words; 8] = [
    Words { tag: "en", product: "our platform", title: "Your account at {product}", name: "Name", username: "Username", email: "E-mail",
        what: "Scan the code or open the address, and choose a password. It works once.", ends: "Until",
        secret: "Whoever has this card can open your account. Keep it to yourself.", questions: "Questions?" },
    Words { tag: "de", product: "unsere Plattform", title: "Ihr Zugang: {product}", name: "Name", username: "Benutzername", email: "E-Mail",
        what: "Scannen Sie den Code oder öffnen Sie die Adresse und wählen Sie ein Passwort. Das geht einmal.", ends: "Bis",
        secret: "Wer diese Karte hat, kann Ihr Konto öffnen. Geben Sie sie niemandem.", questions: "Fragen?" },
    Words { tag: "fr", product: "notre plateforme", title: "Votre compte : {product}", name: "Nom", username: "Identifiant", email: "E-mail",
        what: "Scannez le code ou ouvrez l’adresse, puis choisissez un mot de passe. Le lien ne sert qu’une fois.", ends: "Jusqu’au",
        secret: "Cette carte permet d’ouvrir votre compte. Ne la donnez à personne.", questions: "Des questions ?" },
    Words { tag: "es", product: "nuestra plataforma", title: "Su cuenta: {product}", name: "Nombre", username: "Usuario", email: "Correo",
        what: "Escanee el código o abra la dirección y elija una contraseña. Sirve una sola vez.", ends: "Hasta",
        secret: "Quien tenga esta tarjeta puede abrir su cuenta. No se la dé a nadie.", questions: "¿Preguntas?" },
    Words { tag: "it", product: "la nostra piattaforma", title: "Il suo account: {product}", name: "Nome", username: "Nome utente", email: "E-mail",
        what: "Scansioni il codice o apra l’indirizzo e scelga una password. Funziona una sola volta.", ends: "Fino al",
        secret: "Chi ha questa scheda può aprire il suo account. Non la dia a nessuno.", questions: "Domande?" },
    Words { tag: "nl", product: "ons platform", title: "Uw account: {product}", name: "Naam", username: "Gebruikersnaam", email: "E-mail",
        what: "Scan de code of open het adres en kies een wachtwoord. Dit werkt één keer.", ends: "Tot",
        secret: "Wie deze kaart heeft, kan uw account openen. Geef haar aan niemand.", questions: "Vragen?" },
    Words { tag: "pt", product: "a nossa plataforma", title: "A sua conta: {product}", name: "Nome", username: "Utilizador", email: "E-mail",
        what: "Leia o código ou abra o endereço e escolha uma palavra-passe. Funciona uma só vez.", ends: "Até",
        secret: "Quem tiver este cartão pode abrir a sua conta. Não o dê a ninguém.", questions: "Dúvidas?" },
    Words { tag: "pl", product: "nasza platforma", title: "Konto: {product}", name: "Imię i nazwisko", username: "Nazwa użytkownika", email: "E-mail",
        what: "Zeskanuj kod lub otwórz adres i wybierz hasło. Link działa jeden raz.", ends: "Do",
        secret: "Kto ma tę kartę, może otworzyć konto. Nie dawaj jej nikomu.", questions: "Pytania?" },
];

/// The words of the first of those languages (BCP 47 tags) that has any, else of English.
pub fn words(languages: &[&str]) -> &'static Words {
    let primary = |tag: &&str| {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        WORDS
            .iter()
            .find(|words| words.tag.eq_ignore_ascii_case(primary))
    };
    languages.iter().find_map(primary).unwrap_or(&WORDS[0])
}

/// A link and whose it is. Texts are empty when not known.
pub struct Card {
    /// What to call the person.
    pub name: String,
    /// Sign-in name.
    pub username: String,
    /// The address.
    pub email: String,
    /// What opens the account.
    pub link: String,
    /// When it ends, `2026-11-22 05:12` in UTC; empty for never.
    pub ends_utc: String,
    /// The same as the card's language writes it.
    pub ends: String,
    /// What the card says.
    pub words: &'static Words,
}

/// `links.csv`.
pub fn csv(cards: &[Card]) -> Vec<u8> {
    let mut csv = Csv::guarded(Style::own());
    let mut text = csv
        .line(["name", "username", "email", "link", "ends_utc"])
        .to_vec();
    for card in cards {
        let cells = [
            &card.name,
            &card.username,
            &card.email,
            &card.link,
            &card.ends_utc,
        ];
        text.extend_from_slice(csv.line(cells.map(String::as_str)));
    }
    text
}

/// `links.html`.
pub fn page(cards: &[Card], mail: &Mail) -> Vec<u8> {
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        STANDARD.encode(Sha256::digest(STYLE))
    );
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                meta name="robots" content="noindex";
                title { "Links to hand over" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { "Links to hand over" }
                    p {
                        "Each link is a key: whoever has it can choose the password of that account, once. "
                        "Print this page, hand the cards over in person, then delete this file and links.csv."
                    }
                }
                main { @for one in cards { (card(one, mail)) } }
            }
        }
    }
    .into_string()
    .into_bytes()
}

fn card(card: &Card, mail: &Mail) -> Markup {
    let words = card.words;
    let product = match mail.product == Mail::default().product {
        true => words.product,
        false => &mail.product,
    };
    let (before, behind) = words
        .title
        .split_once("{product}")
        .unwrap_or((words.title, ""));
    let line = |label: &str, value: &str| {
        html! { @if !value.is_empty() { div { dt { (label) } dd { bdi { (value) } } } } }
    };
    html! {
        article lang=(words.tag) {
            div.text {
                h2 { (before) bdi { (product) } (behind) }
                dl {
                    (line(words.name, &card.name))
                    (line(words.username, &card.username))
                    (line(words.email, &card.email))
                    (line(words.ends, &card.ends))
                }
                p { (words.what) }
                p.link dir="ltr" { (card.link) }
                p.secret {
                    (words.secret)
                    @if let Some(contact) = &mail.contact { " " (words.questions) " " bdi { (contact) } }
                }
            }
            (code(&card.link))
        }
    }
}

/// A link as a QR code; nothing where it is longer than a code can be.
fn code(link: &str) -> Markup {
    let Ok(code) = QRBuilder::new(link).ecl(ECL::M).build() else {
        return html! {};
    };
    let mut path = String::new();
    for row in 0..code.size {
        let mut column = 0;
        while column < code.size {
            let dark = (column..code.size)
                .take_while(|at| code[row][*at].value())
                .count();
            if dark > 0 {
                let (x, y) = (column + QUIET, row + QUIET);
                path += &format!("M{x} {y}h{dark}v1h-{dark}z");
            }
            column += dark.max(1);
        }
    }
    let size = code.size + 2 * QUIET;
    html! {
        svg.code viewBox={ "0 0 " (size) " " (size) } role="img" aria-label="QR" shape-rendering="crispEdges" {
            rect width=(size) height=(size) fill="#fff" {}
            path d=(path) fill="#000" {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_cannot_change_the_page_or_the_table_around_them() {
        let evil = "=1+1<script>\"'&</style>";
        let one = |language: &str| Card {
            name: evil.to_string(),
            username: evil.to_string(),
            email: String::new(),
            link: format!("https://a.example/{evil}"),
            ends_utc: String::new(),
            ends: String::new(),
            words: words(&[language, "de"]),
        };
        let cards = [one("fr-CA"), one("xx"), one("pl")];
        let tags = cards.iter().map(|card| card.words.tag).collect::<Vec<_>>();
        assert_eq!(tags, ["fr", "de", "pl"]);
        let mail = Mail {
            product: evil.to_string(),
            contact: Some(evil.to_string()),
            ..Mail::default()
        };
        let page = String::from_utf8(page(&cards, &mail)).unwrap();
        let page = page.replacen(STYLE, "", 1);
        assert!(
            !page.contains("<script") && !page.contains("\"'&<"),
            "{page}"
        );
        assert_eq!(page.matches("</style>").count(), 1);
        assert_eq!(page.matches("<article").count(), 3);
        assert_eq!(page.matches("<svg").count(), 3);
        let table = String::from_utf8(csv(&cards)).unwrap();
        assert!(
            table.lines().nth(1).unwrap().starts_with("\"'=1+1"),
            "{table}"
        );
    }
}
