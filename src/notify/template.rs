//! Templates: embedded, or edited copies in a folder; checked before anything is sent.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context, escape_formatter};

use super::message::{is_language_tag, one_line};
use crate::definition::{Mail, nearest};
use crate::invitation::{Kind, MailContext, Person, Rendered, RunReport};
use crate::issue::Code;
use crate::outcome::Outcome;
use crate::refusal::{Refusal, Result};
use crate::session::{Known, Session};

macro_rules! embedded {
    ($($kind:ident $folder:literal [$($language:literal)*])*) => {
        /// Kind, language, and the texts of its three parts.
        const EMBEDDED: &[(Kind, &str, [&str; 3])] = &[$($((
            Kind::$kind,
            $language,
            [
                include_str!(concat!("templates/", $folder, "/", $language, ".subject.txt")),
                include_str!(concat!("templates/", $folder, "/", $language, ".txt")),
                include_str!(concat!("templates/", $folder, "/", $language, ".html")),
            ],
        ),)*)*];
    };
}

embedded! {
    Invite "invite" ["en" "de" "fr" "es" "it" "nl" "pt" "pl"]
    Reset "reset" ["en" "de" "fr" "es" "it" "nl" "pt" "pl"]
    Temporary "temporary" ["en" "de" "fr" "es" "it" "nl" "pt" "pl"]
    Report "report" ["en" "de" "fr" "es" "it" "nl" "pt" "pl"]
    Notice "notice" ["en" "de" "fr" "es" "it" "nl" "pt" "pl"]
    Session "session" ["en" "de" "fr" "es" "it" "nl" "pt" "pl"]
    SessionReminder "session-reminder" ["en" "de" "fr" "es" "it" "nl" "pt" "pl"]
}

/// What all HTML parts have in common. It has the blocks `title`, `body` and `footer`, and may use the
/// variables that every template has.
const LAYOUT: &str = include_str!("templates/layout.html");
/// Its name, in `extends` and as a file of the templates' folder.
const LAYOUT_NAME: &str = "layout.html";

/// The files of one template, in this order everywhere.
const PARTS: [&str; 3] = [".subject.txt", ".txt", ".html"];

/// What every template may use.
const COMMON: &[&str] = &[
    "person.email",
    "person.username",
    "person.first_name",
    "person.last_name",
    "person.name",
    "person.language",
    "person.organization",
    "person.role",
    "person.groups",
    "message",
    "product",
    "contact",
    "contact_link",
    "language",
    "dir",
];

/// The kinds that are about a session.
const SESSIONS: &[Kind] = &[Kind::Session, Kind::SessionReminder];

/// What only some kinds have: the variable, and the kinds.
const SPECIAL: &[(&str, &[Kind])] = &[
    ("link", &[Kind::Invite, Kind::Reset, Kind::Temporary]),
    ("expires", &[Kind::Invite, Kind::Reset, Kind::Temporary]),
    ("password", &[Kind::Temporary]),
    ("session.name", SESSIONS),
    ("session.starts", SESSIONS),
    ("session.ends", SESSIONS),
    ("session.time_zone", SESSIONS),
    ("session.place", SESSIONS),
    ("session.link", SESSIONS),
    ("run.id", &[Kind::Report]),
    ("run.state", &[Kind::Report]),
    ("run.files", &[Kind::Report]),
    ("run.summary", &[Kind::Report]),
    ("run.next", &[Kind::Report]),
    ("run.counts.read", &[Kind::Report]),
    ("run.counts.created", &[Kind::Report]),
    ("run.counts.updated", &[Kind::Report]),
    ("run.counts.unchanged", &[Kind::Report]),
    ("run.counts.duplicate", &[Kind::Report]),
    ("run.counts.skipped", &[Kind::Report]),
    ("run.counts.rejected", &[Kind::Report]),
    ("run.counts.held", &[Kind::Report]),
    ("run.counts.failed", &[Kind::Report]),
];

/// How a language writes a point in time, and what it calls a product that has no name.
struct Language {
    tag: &'static str,
    time: &'static str,
    months: [&'static str; 12],
    product: &'static str,
}

#[rustfmt::skip]
const LANGUAGES: [Language; 8] = [
    Language { tag: "en", time: "D MONTH YEAR, TIME UTC", product: "our platform", months: ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"] },
    Language { tag: "de", time: "D. MONTH YEAR, TIME Uhr (UTC)", product: "unsere Plattform", months: ["Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"] },
    Language { tag: "fr", time: "D MONTH YEAR à TIME (UTC)", product: "notre plateforme", months: ["janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"] },
    Language { tag: "es", time: "D de MONTH de YEAR, TIME (UTC)", product: "nuestra plataforma", months: ["enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"] },
    Language { tag: "it", time: "D MONTH YEAR, ore TIME (UTC)", product: "la nostra piattaforma", months: ["gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno", "luglio", "agosto", "settembre", "ottobre", "novembre", "dicembre"] },
    Language { tag: "nl", time: "D MONTH YEAR, TIME uur (UTC)", product: "ons platform", months: ["januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september", "oktober", "november", "december"] },
    Language { tag: "pt", time: "D de MONTH de YEAR, TIME (UTC)", product: "a nossa plataforma", months: ["janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro", "novembro", "dezembro"] },
    Language { tag: "pl", time: "D MONTH YEAR, godz. TIME (UTC)", product: "nasza platforma", months: ["stycznia", "lutego", "marca", "kwietnia", "maja", "czerwca", "lipca", "sierpnia", "września", "października", "listopada", "grudnia"] },
];

/// Languages that are written from right to left (CLDR 46, `characterOrder`).
const RIGHT_TO_LEFT: [&str; 11] = [
    "ar", "ckb", "dv", "fa", "he", "ks", "ps", "sd", "ug", "ur", "yi",
];

/// One template as it was read: where from, and its text.
#[derive(Debug, Clone)]
struct Source {
    path: String,
    text: Cow<'static, str>,
}

/// The language of a template as its files are named, and its parts.
#[derive(Debug, Default)]
struct Set {
    language: String,
    parts: [Option<Source>; 3],
}

/// By kind, and by language in lower case.
type Sets = HashMap<Kind, BTreeMap<String, Set>>;

/// Every template, compiled and checked.
pub struct Templates {
    environment: Environment<'static>,
    /// Kind and lower-case language → language as its files are named, names of its parts.
    names: HashMap<(Kind, String), (String, [String; 3])>,
    language: String,
}

/// A template as somebody is editing it.
#[derive(Debug, Clone)]
pub struct Edited {
    /// What it is for.
    pub kind: Kind,
    /// Its language.
    pub language: String,
    /// Subject, text and HTML.
    pub texts: [String; 3],
}

impl Edited {
    /// The name of a part's file, below the folder of templates.
    fn path(&self, part: usize) -> String {
        format!("{}/{}{}", self.kind.name(), self.language, PARTS[part])
    }

    /// Writes its files below `folder`.
    ///
    /// # Errors
    /// `output.unwritable` when the folder can't be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let of_kind = folder.join(self.kind.name());
        std::fs::create_dir_all(&of_kind)
            .map_err(|error| crate::file::unwritable(&of_kind, &error))?;
        for (part, text) in self.texts.iter().enumerate() {
            let path = folder.join(self.path(part));
            crate::file::atomically(&path, |file| file.write(text.as_bytes()))?;
        }
        Ok(())
    }

    /// Removes its files, so that the template is as it came.
    ///
    /// # Errors
    /// `output.unwritable` when a file can't be removed.
    pub fn remove(&self, folder: &Path) -> Result<()> {
        for part in 0..PARTS.len() {
            let path = folder.join(self.path(part));
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(crate::file::unwritable(&path, &error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether `folder` has files of it.
    pub fn is_in(&self, folder: &Path) -> bool {
        folder.join(self.path(0)).is_file()
    }
}

/// The variables that a template of that kind may use.
pub fn known_variables(kind: Kind) -> Vec<&'static str> {
    variables_of(kind).collect()
}

impl Templates {
    /// The embedded templates, overridden by files of the same names in the folder
    /// `mail.templates`; every one is compiled, rendered with examples and checked.
    ///
    /// # Errors
    /// `mail.template` with file, line, what is wrong and the nearest known word.
    pub fn open(mail: &Mail) -> Result<Templates> {
        Templates::open_with(mail, None)
    }

    /// The same with one template as somebody is editing it.
    ///
    /// # Errors
    /// As [`Templates::open`].
    pub fn open_with(mail: &Mail, edited: Option<&Edited>) -> Result<Templates> {
        let mut sets = embedded_sets();
        let mut layout = Source {
            path: LAYOUT_NAME.to_string(),
            text: Cow::Borrowed(LAYOUT),
        };
        if let Some(folder) = &mail.templates {
            layout = read_folder(Path::new(folder), &mut sets)?.unwrap_or(layout);
        }
        if let Some(edited) = edited {
            let source = |part: usize| Source {
                path: edited.path(part),
                text: Cow::Owned(edited.texts[part].clone()),
            };
            let set = Set {
                language: edited.language.clone(),
                parts: [0, 1, 2].map(|part| Some(source(part))),
            };
            let of_kind = sets.entry(edited.kind).or_default();
            of_kind.insert(edited.language.to_lowercase(), set);
        }
        let mut templates = Templates {
            environment: environment(),
            names: HashMap::new(),
            language: mail.language.clone(),
        };
        templates.compile(LAYOUT_NAME, &layout)?;
        templates.check_variables(None, LAYOUT_NAME, &layout)?;
        for kind in Kind::ALL {
            for (language, set) in sets.remove(&kind).unwrap_or_default() {
                templates.add(kind, language, set, mail)?;
            }
        }
        let known = |tag: &str| templates.names.keys().any(|(_, language)| language == tag);
        if !fallbacks(&mail.language).any(|tag| known(&tag)) {
            let what = format!("there is no template in the language `{}`", mail.language);
            return Err(Refusal::new(Code::MailTemplate, what)
                .help("correct `language` under `[mail]`, or add its files to `templates`"));
        }
        Ok(templates)
    }

    /// The mail of `kind` with what `letter` says, in the person's language where there is a
    /// template in it, else in `mail.language`, else in English.
    ///
    /// # Errors
    /// `mail.template` when the template fails on this letter.
    pub fn render(&self, kind: Kind, mail_context: &MailContext) -> Result<Rendered> {
        let wanted = fallbacks(&mail_context.person.language)
            .chain(fallbacks(&self.language))
            .chain(std::iter::once("en".to_string()))
            .find_map(|tag| self.names.get(&(kind, tag)));
        let (language, names) = wanted.ok_or_else(|| {
            let what = format!("there is no template for `{}`", kind.name());
            Refusal::new(Code::MailTemplate, what)
        })?;
        let part = |name: &str, html: bool| {
            self.one(name, context_of(mail_context, language, html))
                .map_err(|error| wrong(name, None, &error))
        };
        Ok(Rendered {
            subject: one_line(&part(&names[0], false)?).into_owned(),
            text: format!("{}\n", part(&names[1], false)?.trim()),
            html: format!("{}\n", part(&names[2], true)?.trim()),
            language: language.clone(),
        })
    }

    /// The languages that there are for a kind, sorted.
    pub fn languages(&self, kind: Kind) -> Vec<&str> {
        let of_kind = self.names.iter().filter(|((one, _), _)| *one == kind);
        let mut languages: Vec<&str> = of_kind
            .map(|(_, (language, _))| language.as_str())
            .collect();
        languages.sort_unstable();
        languages
    }

    /// Subject, text and HTML of a template, as they are written.
    pub fn texts(&self, kind: Kind, language: &str) -> Option<[String; 3]> {
        let (_, names) = self.names.get(&(kind, language.to_lowercase()))?;
        let text = |name: &String| {
            let template = self.environment.get_template(name).ok()?;
            Some(template.source().to_string())
        };
        let [subject, plain, html] = names;
        Some([text(subject)?, text(plain)?, text(html)?])
    }

    fn one(&self, name: &str, context: Value) -> std::result::Result<String, minijinja::Error> {
        self.environment.get_template(name)?.render(context)
    }

    /// Compiles and checks the three parts of one template.
    fn add(&mut self, kind: Kind, tag: String, set: Set, mail: &Mail) -> Result<()> {
        let names = PARTS.map(|part| format!("{}/{}{part}", kind.name(), set.language));
        let Set { language, parts } = set;
        if let [Some(subject), Some(text), Some(html)] = parts {
            for (name, source) in names.iter().zip([subject, text, html]) {
                self.compile(name, &source)?;
                self.check_variables(Some(kind), name, &source)?;
                self.check_examples(kind, name, &source, &language, mail)?;
            }
            self.names.insert((kind, tag), (language, names));
            return Ok(());
        }
        let at = |there: bool| {
            let mut found = PARTS.iter().zip(&parts);
            let part = found.find(|(_, source)| source.is_some() == there);
            part.map_or("", |(part, _)| part)
        };
        let path = parts
            .iter()
            .flatten()
            .next()
            .map_or("", |source| &source.path);
        let missing = path.replace(at(true), at(false));
        let what = format!("`{missing}` is missing: a language needs a subject, a text and HTML");
        Err(Refusal::new(Code::MailTemplate, what).help(format!("add it, or remove `{path}`")))
    }

    fn compile(&mut self, name: &str, source: &Source) -> Result<()> {
        self.environment
            .add_template_owned(name.to_string(), source.text.clone().into_owned())
            .map_err(|error| wrong(&source.path, Some(&source.text), &error))
    }

    /// Refuses variables that this kind doesn't have; for `None`, those that not every kind has.
    fn check_variables(&self, kind: Option<Kind>, name: &str, source: &Source) -> Result<()> {
        let template = self
            .environment
            .get_template(name)
            .map_err(|error| wrong(&source.path, Some(&source.text), &error))?;
        let used: HashSet<String> = template.undeclared_variables(true);
        let globals: HashSet<&str> = self.environment.globals().map(|(name, _)| name).collect();
        let known: Vec<&str> = match kind {
            Some(kind) => variables_of(kind).collect(),
            None => COMMON.to_vec(),
        };
        let within = |whole: &str, part: &str| {
            whole
                .strip_prefix(part)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let mut unknown: Vec<&String> = used
            .iter()
            .filter(|used| !globals.contains(used.as_str()))
            .filter(|used| !known.iter().any(|known| within(known, used)))
            .collect();
        unknown.sort_by_key(|used| (line_of(&source.text, used), used.as_str()));
        let Some(unknown) = unknown.first() else {
            return Ok(());
        };
        let line = line_of(&source.text, unknown);
        let elsewhere = SPECIAL
            .iter()
            .find(|(variable, _)| within(variable, unknown));
        if let (Some((_, kinds)), true) = (elsewhere, kind.is_some()) {
            let kinds: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
            let what = format!("`{unknown}` is only available in `{}`", kinds.join("`, `"));
            return Err(at_line(&source.path, &source.text, line, &what).help("remove it"));
        }
        let what = format!("unknown variable `{unknown}`");
        let refusal = at_line(&source.path, &source.text, line, &what);
        let last = |name: &str| {
            name.rsplit_once('.')
                .is_some_and(|(_, last)| last == *unknown)
        };
        let near = known.iter().copied().find(|name| last(name));
        Err(
            match near.or_else(|| nearest(unknown, known.iter().copied())) {
                Some(near) => refusal.help(format!("did you mean `{near}`?")),
                None => refusal.help(format!("known are `{}`", known.join("`, `"))),
            },
        )
    }

    /// Renders a part with a full and with a bare letter, and looks for what must be in it.
    fn check_examples(
        &self,
        kind: Kind,
        name: &str,
        source: &Source,
        language: &str,
        mail: &Mail,
    ) -> Result<()> {
        let html = name.ends_with(PARTS[2]);
        let contact = mail
            .contact
            .as_deref()
            .is_some_and(|text| !text.trim().is_empty());
        for mail_context in [full_example(kind), bare_example(kind, contact)] {
            let output = self
                .one(name, context_of(&mail_context, language, html))
                .map_err(|error| wrong(&source.path, Some(&source.text), &error))?;
            if html && output.contains(RAW) {
                let what =
                    "a value would get into the HTML unescaped, so a name could change the page";
                let line = line_of(&source.text, "safe").or(line_of(&source.text, "autoescape"));
                return Err(at_line(&source.path, &source.text, line, what)
                    .help("remove `safe` or `autoescape`"));
            }
            let fault = match name.ends_with(PARTS[0]) {
                true => subject_fault(&output),
                false => part_fault(kind, &output, contact),
            };
            if let Some(fault) = fault {
                return Err(at_line(&source.path, &source.text, None, &fault));
            }
        }
        Ok(())
    }
}

/// Writes every embedded template below `folder`, and returns those that were not there yet.
///
/// # Errors
/// `output.unwritable` when a file is there that says something else (nothing is written then), or
/// when the folder can't be written.
pub fn export(folder: &Path) -> Result<Vec<PathBuf>> {
    let unwritable = |path: &Path, why: &str| {
        let what = format!("`{}` can't be written: {why}", path.display());
        Refusal::new(Code::OutputUnwritable, what)
    };
    let parts = EMBEDDED.iter().flat_map(|(kind, language, texts)| {
        let texts = PARTS.iter().zip(texts);
        texts.map(move |(part, text)| {
            let folder = folder.join(kind.name());
            (folder.join(format!("{language}{part}")), *text)
        })
    });
    let mut wanted: Vec<(PathBuf, &str)> = Vec::new();
    for (path, text) in std::iter::once((folder.join(LAYOUT_NAME), LAYOUT)).chain(parts) {
        match std::fs::read(&path) {
            Ok(found) if found == text.as_bytes() => {}
            Ok(_) => {
                return Err(unwritable(&path, "it already exists with other content")
                    .help("name another folder, or move the file away"));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => wanted.push((path, text)),
            Err(error) => return Err(unwritable(&path, &error.to_string())),
        }
    }
    for (path, text) in &wanted {
        let parent = path.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent)
            .and_then(|()| OpenOptions::new().write(true).create_new(true).open(path))
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(|error| unwritable(path, &error.to_string()))?;
    }
    Ok(wanted.into_iter().map(|(path, _)| path).collect())
}

fn embedded_sets() -> Sets {
    let mut sets = Sets::new();
    for (kind, language, texts) in EMBEDDED {
        let source = |part: usize| {
            Some(Source {
                path: format!("{}/{language}{}", kind.name(), PARTS[part]),
                text: Cow::Borrowed(texts[part]),
            })
        };
        let set = Set {
            language: (*language).to_string(),
            parts: [source(0), source(1), source(2)],
        };
        let sets = sets.entry(*kind).or_default();
        sets.insert((*language).to_string(), set);
    }
    sets
}

/// Puts the files of `folder` over `sets`, and returns its layout, if it has one. A file that would
/// never be used is refused, because its name must be a mistake; hidden files and editors' backups
/// are not looked at.
fn read_folder(folder: &Path, sets: &mut Sets) -> Result<Option<Source>> {
    let kinds = Kind::ALL.map(Kind::name);
    let mut layout = None;
    for (path, name) in entries(folder)? {
        if !path.is_dir() {
            if name == LAYOUT_NAME {
                layout = Some(read_source(&path)?);
            }
            continue;
        }
        let Some(kind) = Kind::from_name(&name) else {
            let what = format!("`{}` is not a kind of mail", path.display());
            let refusal = Refusal::new(Code::MailTemplate, what);
            return Err(match nearest(&name, kinds.into_iter()) {
                Some(near) => refusal.help(format!("did you mean `{near}`?")),
                None => refusal.help(format!("the kinds are `{}`", kinds.join("`, `"))),
            });
        };
        for (path, name) in entries(&path)? {
            read_part(&path, &name, kind, sets)?;
        }
    }
    Ok(layout)
}

fn read_part(path: &Path, name: &str, kind: Kind, sets: &mut Sets) -> Result<()> {
    let shown = path.display().to_string();
    let part = PARTS.iter().position(|part| name.ends_with(part));
    let stem = part.map(|part| &name[..name.len() - PARTS[part].len()]);
    let (Some(part), Some(language)) = (part, stem.filter(|stem| is_language_tag(stem))) else {
        let what = format!("`{shown}` is not the name of a template");
        return Err(Refusal::new(Code::MailTemplate, what).help(
            "name it `LANGUAGE.subject.txt`, `LANGUAGE.txt` or `LANGUAGE.html`, such as `en.txt`",
        ));
    };
    let source = read_source(path)?;
    let set = sets
        .entry(kind)
        .or_default()
        .entry(language.to_ascii_lowercase())
        .or_default();
    set.language = language.to_string();
    set.parts[part] = Some(source);
    Ok(())
}

fn read_source(path: &Path) -> Result<Source> {
    let shown = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = memchr::memchr_iter(b'\n', good).count() + 1;
        let what = format!("{shown}:{line}: not UTF-8");
        Refusal::new(Code::MailTemplate, what).help("save it as UTF-8")
    })?;
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    Ok(Source {
        path: shown,
        text: Cow::Owned(text),
    })
}

/// What is in a folder, in order of names.
fn entries(folder: &Path) -> Result<Vec<(PathBuf, String)>> {
    let listed = std::fs::read_dir(folder).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
    let mut found: Vec<(PathBuf, String)> = listed
        .map_err(|error| {
            unreadable(folder, &error)
                .help("`muster templates export FOLDER` writes a folder to start from")
        })?
        .into_iter()
        .map(|entry| {
            (
                entry.path(),
                entry.file_name().to_string_lossy().into_owned(),
            )
        })
        .filter(|(_, name)| !name.starts_with('.') && !name.ends_with('~'))
        .collect();
    found.sort();
    Ok(found)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Refusal {
    let what = format!("`{}` can't be read: {error}", path.display());
    Refusal::new(Code::MailTemplate, what)
}

/// Steps that a mail may take: the longest of ours takes some 500.
const FUEL: u64 = 200_000;

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // A text that loops for ever is refused.
    environment.set_fuel(Some(FUEL));
    let mut syntax = SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true);
    if let Ok(syntax) = syntax.build() {
        environment.set_syntax(syntax);
    }
    environment.set_auto_escape_callback(|name| match name.ends_with(".html") {
        true => AutoEscape::Html,
        false => AutoEscape::None,
    });
    // minijinja also escapes slashes, and links full of `&#x2f;` look like a forger's.
    environment.set_formatter(|output, state, value| match value.as_str() {
        Some(text) if *state.auto_escape() == AutoEscape::Html && !value.is_safe() => {
            Ok(output.write_str(&escaped(text))?)
        }
        _ => escape_formatter(output, state, value),
    });
    environment
}

/// `text` for HTML: in an element or in a quoted attribute.
fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return Cow::Borrowed(text);
    }
    let mut html = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            _ => html.push(c),
        }
    }
    Cow::Owned(html)
}

/// What a template sees. Names are on one line, so that none can look like a paragraph of ours.
fn context_of(mail_context: &MailContext, language: &str, html: bool) -> Value {
    let person = &mail_context.person;
    let groups: Vec<Value> = person
        .groups
        .iter()
        .map(|group| Value::from(one_line(group)))
        .collect();
    let person = context! {
        email => one_line(&person.email),
        username => one_line(&person.username),
        first_name => one_line(&person.first_name),
        last_name => one_line(&person.last_name),
        name => one_line(&person.name),
        language => one_line(&person.language),
        organization => one_line(&person.organization),
        role => one_line(&person.role),
        groups => groups,
    };
    let message = plain_message(&mail_context.message);
    let contact = one_line(&mail_context.contact);
    context! {
        person,
        link => mail_context.link.as_str(),
        password => mail_context.password.as_str(),
        expires => time(mail_context.expires_at, language),
        message => if html {
            Value::from_safe_string(paragraphs(&message))
        } else {
            Value::from(message)
        },
        product => product(&mail_context.product, language),
        contact_link => contact_link(&contact),
        contact,
        language,
        dir => if RIGHT_TO_LEFT.contains(&primary(language)) { "rtl" } else { "ltr" },
        run => mail_context.run.as_ref().map(run_context),
        session => mail_context.session.as_ref().map(|known| session_context(&known.session, language)),
    }
}

fn session_context(session: &Session, language: &str) -> Value {
    let zone = TimeZone::get(&session.time_zone).unwrap_or(TimeZone::UTC);
    let name = zone.iana_name().unwrap_or("UTC");
    let [starts, ends] = [Some(session.starts_at), session.ends_at].map(|at| {
        let at = at.and_then(|seconds| Timestamp::from_second(seconds).ok());
        at.map(|at| at.to_zoned(zone.clone()).datetime())
    });
    // On the same day, the time of day says enough.
    let end = ends.map(
        |end| match starts.is_some_and(|start| start.date() == end.date()) {
            true => clock(end),
            false => written(end, name, language),
        },
    );
    context! {
        name => one_line(&session.name),
        starts => starts.map_or(String::new(), |start| written(start, name, language)),
        ends => end.unwrap_or_default(),
        time_zone => name,
        place => one_line(session.place.as_deref().unwrap_or_default()),
        link => one_line(session.link.as_deref().unwrap_or_default()),
    }
}

fn run_context(run: &RunReport) -> Value {
    let mut counts = run.counts.clone();
    for name in Outcome::ALL.map(Outcome::name).into_iter().chain(["read"]) {
        counts.entry(name.to_string()).or_insert(0);
    }
    context! {
        id => run.id.clone(),
        state => run.state.clone(),
        files => run.files.clone(),
        counts,
        summary => run.summary.clone(),
        next => run.next.clone(),
    }
}

/// The administrator's words with their paragraphs, and without control characters.
fn plain_message(text: &str) -> String {
    let text = text
        .replace("\r\n", "\n")
        .replace(['\r', '\u{2028}', '\u{2029}'], "\n");
    let kept = |c: &char| !c.is_control() || *c == '\n' || *c == '\t';
    text.trim().chars().filter(kept).collect()
}

/// `text` as escaped paragraphs; a single line end is kept as a line break.
fn paragraphs(text: &str) -> String {
    let mut html = String::new();
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    for paragraph in lines.split(|line| line.is_empty()) {
        if paragraph.is_empty() {
            continue;
        }
        let lines: Vec<Cow<str>> = paragraph.iter().map(|line| escaped(line)).collect();
        html.push_str("<p dir=\"auto\" style=\"margin:0 0 12px\">");
        html.push_str(&lines.join("<br>\n"));
        html.push_str("</p>\n");
    }
    html
}

/// The product's name; the default of `[mail]`, which is not a name, in the language of the mail.
fn product<'a>(text: &'a str, language: &str) -> Cow<'a, str> {
    let text = one_line(text);
    if !text.is_empty() && text != LANGUAGES[0].product {
        return text;
    }
    let language = LANGUAGES
        .iter()
        .find(|known| known.tag == primary(language));
    Cow::Borrowed(language.map_or(LANGUAGES[0].product, |language| language.product))
}

/// Where a click on the contact leads; empty when it is neither an address nor a URL.
fn contact_link(contact: &str) -> String {
    let web = contact.starts_with("https://") || contact.starts_with("http://");
    let plain = !contact.contains(char::is_whitespace);
    match plain {
        true if web => contact.to_string(),
        true if contact.contains('@') && !contact.contains([':', '?', '&', '%']) => {
            format!("mailto:{contact}")
        }
        _ => String::new(),
    }
}

/// A point in time, in seconds since 1970, in an IANA time zone as the language writes it.
pub fn time_in(at: i64, zone: &str, language: &str) -> String {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let name = zone.iana_name().unwrap_or("UTC").to_string();
    let at = Timestamp::from_second(at).unwrap_or_default();
    written(at.to_zoned(zone).datetime(), &name, language)
}

/// A point in time as the language writes it, always with `UTC`; empty for never.
pub fn time(at: Option<i64>, language: &str) -> String {
    let Some(time) = at.and_then(|seconds| Timestamp::from_second(seconds).ok()) else {
        return String::new();
    };
    written(time.to_zoned(TimeZone::UTC).datetime(), "UTC", language)
}

fn clock(time: DateTime) -> String {
    format!("{:02}:{:02}", time.hour(), time.minute())
}

/// A day and a time of day in the time zone of that name, as the language writes it.
fn written(time: DateTime, zone: &str, language: &str) -> String {
    let clock = clock(time);
    let Some(language) = LANGUAGES
        .iter()
        .find(|known| known.tag == primary(language))
    else {
        return format!("{} {clock} {zone}", time.date());
    };
    let month = usize::try_from(time.month() - 1).unwrap_or(0);
    let day = match (language.tag, time.day()) {
        ("fr", 1) => "1er".to_string(),
        (_, day) => day.to_string(),
    };
    language
        .time
        .replacen('D', &day, 1)
        .replacen("YEAR", &time.year().to_string(), 1)
        .replacen("TIME", &clock, 1)
        .replacen("MONTH", language.months[month], 1)
        .replacen("UTC", zone, 1)
}

/// `pt` of `pt-BR`.
fn primary(language: &str) -> &str {
    language.split('-').next().unwrap_or(language)
}

/// A tag and what it falls back to, in lower case: `pt-BR` gives `pt-br`, `pt` (RFC 4647,
/// section 3.4).
fn fallbacks(tag: &str) -> impl Iterator<Item = String> + use<> {
    let tag = tag.trim().replace('_', "-").to_ascii_lowercase();
    std::iter::successors((!tag.is_empty()).then_some(tag), |tag| {
        tag.rsplit_once('-').map(|(shorter, _)| shorter.to_string())
    })
}

fn variables_of(kind: Kind) -> impl Iterator<Item = &'static str> {
    let special = SPECIAL
        .iter()
        .filter(move |(_, kinds)| kinds.contains(&kind));
    COMMON.iter().copied().chain(special.map(|(name, _)| *name))
}

/// Is in every value of [`full_example`]; in HTML it must never come out as it is.
const RAW: &str = "<x-raw>";

const EXAMPLE_LINK: &str = "https://join.example.com/Z2Vub3VnaC1mb3ItYW4tZXhhbXBsZS1vZi1hLXRva2Vu";
const EXAMPLE_PASSWORD: &str = "vivid-otter-lamp-42";
const EXAMPLE_CONTACT: &str = "help@join.example.com";

/// A letter with everything that the kind can have.
fn full_example(kind: Kind) -> MailContext {
    let raw = |text: &str| format!("{text} {RAW}");
    MailContext {
        person: Person {
            email: "jane.doe@example.com".to_string(),
            username: raw("jane"),
            first_name: raw("Jane"),
            last_name: raw("Doe"),
            name: raw("Jane Doe"),
            language: "en".to_string(),
            organization: raw("Acme"),
            role: raw("member"),
            groups: vec![raw("Sales/EMEA"), raw("Everybody")],
        },
        message: format!("Welcome! {RAW}\n\nSee you on Monday."),
        product: raw("Acme Learning"),
        expires_at: Some(1_795_356_300),
        session: kind.is_about_session().then(|| Known {
            session: Session {
                name: raw(EXAMPLE_SESSION),
                place: Some(raw("Room 3")),
                link: Some(format!("https://meet.example.com/{RAW}")),
                ends_at: Some(1_795_363_500),
                ..bare_session()
            },
            ..Known::default()
        }),
        run: (kind == Kind::Report).then(|| RunReport {
            files: vec![raw("people.csv")],
            counts: Outcome::ALL
                .map(|outcome| (outcome.name().to_string(), 12))
                .into(),
            summary: "https://imports.example.com/summary.html".to_string(),
            next: vec![(raw("invite them"), raw("muster invite last"))],
            ..bare_run()
        }),
        ..bare_example(kind, true)
    }
}

/// A letter with nothing but what the kind always has.
fn bare_example(kind: Kind, contact: bool) -> MailContext {
    let text = |there: bool, text: &str| {
        if there {
            text.to_string()
        } else {
            String::new()
        }
    };
    MailContext {
        person: Person {
            email: "jane.doe@example.com".to_string(),
            ..Person::default()
        },
        link: text(matches!(kind, Kind::Invite | Kind::Reset), EXAMPLE_LINK),
        password: text(kind == Kind::Temporary, EXAMPLE_PASSWORD),
        product: "Acme Learning".to_string(),
        contact: text(contact, EXAMPLE_CONTACT),
        run: (kind == Kind::Report).then(bare_run),
        session: kind.is_about_session().then(|| Known {
            session: bare_session(),
            ..Known::default()
        }),
        ..MailContext::default()
    }
}

const EXAMPLE_SESSION: &str = "First aid";

fn bare_session() -> Session {
    Session {
        name: EXAMPLE_SESSION.to_string(),
        starts_at: 1_795_356_300,
        time_zone: "Europe/Paris".to_string(),
        ..Session::default()
    }
}

fn bare_run() -> RunReport {
    RunReport {
        id: "019df2a6-58a5-7cc3-9a55-a0f0d2a7d2b1".to_string(),
        state: "finished".to_string(),
        ..RunReport::default()
    }
}

/// What is wrong with a rendered subject.
fn subject_fault(subject: &str) -> Option<String> {
    match subject.trim() {
        "" => Some("the subject is empty".to_string()),
        text if text.contains('\n') => {
            Some("the subject has several lines, it must be one".to_string())
        }
        _ => None,
    }
}

/// What a rendered text or HTML lacks.
fn part_fault(kind: Kind, output: &str, contact: bool) -> Option<String> {
    let lacks = |needed: bool, example: &str, name: &str| {
        (needed && !output.contains(example)).then(|| {
            format!("`{{{{ {name} }}}}` isn't always shown, but a mail of this kind must show it")
        })
    };
    let by_link = matches!(kind, Kind::Invite | Kind::Reset);
    lacks(by_link, EXAMPLE_LINK, "link")
        .or(lacks(kind == Kind::Temporary, EXAMPLE_PASSWORD, "password"))
        .or(lacks(
            kind.is_about_session(),
            EXAMPLE_SESSION,
            "session.name",
        ))
        .or(lacks(
            contact && kind != Kind::Report,
            EXAMPLE_CONTACT,
            "contact",
        ))
}

/// The first line, from 1, that has `word` within a tag.
fn line_of(text: &str, word: &str) -> Option<usize> {
    let has = |line: &str, word: &str| {
        line.match_indices(word).any(|(at, _)| {
            let part = |c: char| c.is_alphanumeric() || c == '_';
            !line[..at].ends_with(part) && !line[at + word.len()..].starts_with(part)
        })
    };
    let tagged = |line: &str| line.contains("{{") || line.contains("{%");
    let find = |all: bool| {
        text.lines()
            .position(|line| (all || tagged(line)) && has(line, word))
    };
    find(false).or_else(|| find(true)).map(|line| line + 1)
}

/// A refusal because of `line` of a template, which is shown.
fn at_line(path: &str, text: &str, line: Option<usize>, what: &str) -> Refusal {
    let place = line.and_then(|line| Some((line, text.lines().nth(line.checked_sub(1)?)?)));
    let what = match place {
        Some((line, excerpt)) => {
            let margin = " ".repeat(line.to_string().len());
            format!("{path}:{line}: {what}\n{margin} |\n{line} | {excerpt}")
        }
        None => format!("{path}: {what}"),
    };
    Refusal::new(Code::MailTemplate, what)
}

/// minijinja's error, with the line that it is about where `text` is known.
fn wrong(path: &str, text: Option<&str>, error: &minijinja::Error) -> Refusal {
    let what = match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    at_line(path, text.unwrap_or(""), error.line(), &what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    fn send_and_sync<T: Send + Sync>(value: T) -> T {
        value
    }

    fn mail_context(kind: Kind, language: &str, full: bool) -> MailContext {
        let text = |text: &str| {
            if full {
                text.to_string()
            } else {
                String::new()
            }
        };
        let example = bare_example(kind, full);
        MailContext {
            person: Person {
                name: text("Zoë <script>alert(1)</script>"),
                username: text("zoe"),
                language: language.to_string(),
                ..example.person.clone()
            },
            message: text("Welcome & hello!\r\nSee you.\n\n<script>"),
            expires_at: full.then_some(1_795_356_300),
            run: (kind == Kind::Report).then(|| RunReport {
                files: vec!["people.csv".to_string(), "more.csv".to_string()],
                counts: [("read".to_string(), 20), ("rejected".to_string(), 3)].into(),
                summary: "https://imports.example.com/summary.html".to_string(),
                next: vec![("invite them".to_string(), "muster invite last".to_string())],
                ..bare_run()
            }),
            ..example
        }
    }

    /// The time of day and the zone in the examples; the session is in Paris.
    fn moment_of(kind: Kind) -> &'static [&'static str] {
        match kind.is_about_session() {
            true => &["15:05", "Europe/Paris"],
            false => &["14:05", "UTC"],
        }
    }

    #[test]
    fn every_template_renders_whole_and_says_what_it_must() {
        let mail = Mail {
            contact: Some("help@join.example.com".to_string()),
            ..Mail::default()
        };
        let templates = send_and_sync(Templates::open(&mail).unwrap());
        for (kind, language, _) in EMBEDDED {
            for full in [true, false] {
                let mail_context = mail_context(*kind, language, full);
                let mail = templates.render(*kind, &mail_context).unwrap();
                let place = format!("{}/{language} {full}: {mail:#?}", kind.name());
                assert_eq!(mail.language, *language, "{place}");
                assert!(
                    !mail.subject.is_empty() && !mail.subject.contains('\n'),
                    "{place}"
                );
                assert!(!mail.text.contains("\n\n\n"), "{place}");
                for text in [&mail.text, &mail.html, &mail.subject] {
                    assert!(!text.contains("{{") && !text.contains("{%"), "{place}");
                    assert!(!text.contains(" ,") && !text.contains("()"), "{place}");
                    assert_eq!(
                        text.contains("help@"),
                        full && *text != mail.subject,
                        "{place}"
                    );
                }
                let alone = |line: &str| mail.text.lines().any(|found| found == line);
                assert!(
                    mail_context.link.is_empty() || alone(&mail_context.link),
                    "{place}"
                );
                assert!(
                    mail_context.password.is_empty() || alone(&mail_context.password),
                    "{place}"
                );
                let button = format!("href=\"{}\"", mail_context.link);
                assert!(
                    mail_context.link.is_empty() || mail.html.contains(&button),
                    "{place}"
                );
                assert!(
                    !mail.html.contains("<script") && !mail.html.contains("src="),
                    "{place}"
                );
                assert!(
                    mail.html
                        .contains(&format!("<html lang=\"{language}\" dir=\"ltr\">"))
                );
                let ends = full && !matches!(kind, Kind::Report | Kind::Notice);
                let mut parts = ["2026"].iter().chain(moment_of(*kind));
                let is_written = parts.all(|part| mail.text.contains(part));
                assert_eq!(is_written, ends || kind.is_about_session(), "{place}");
                if full && *kind != Kind::Notice {
                    assert!(alone("Welcome & hello!") && alone("See you."), "{place}");
                    assert!(
                        mail.html.contains("Welcome &amp; hello!<br>\nSee you.</p>"),
                        "{place}"
                    );
                    assert!(mail.html.contains("&lt;script&gt;</p>"), "{place}");
                }
                let named = full && *kind != Kind::Report;
                assert_eq!(mail.text.contains("Zoë <script>"), named, "{place}");
                assert_eq!(
                    mail.html.contains("Zoë &lt;script&gt;alert(1)"),
                    named,
                    "{place}"
                );
            }
        }
    }

    #[test]
    fn a_mail_reads_like_this() {
        let templates = Templates::open(&Mail::default()).unwrap();
        let mail = templates
            .render(Kind::Invite, &full_example(Kind::Invite))
            .unwrap();
        let wanted = "\
Hello Jane Doe <x-raw>,

You have been invited to Acme Learning <x-raw>. Accept the invitation to choose your own password and start using your account.

Your user name is jane <x-raw>.

Welcome! <x-raw>

See you on Monday.

To accept the invitation, open this link:

https://join.example.com/Z2Vub3VnaC1mb3ItYW4tZXhhbXBsZS1vZi1hLXRva2Vu

The link works until 22 November 2026, 14:05 UTC. It works once and is meant for you alone, so please don’t forward this mail.

Didn’t expect an invitation? Then you don’t have to do anything: without this link the account stays closed.

Questions? help@join.example.com

Acme Learning <x-raw>
This mail is for jane.doe@example.com.
";
        assert_eq!(mail.text, wanted);
        assert_eq!(mail.subject, "Your invitation to Acme Learning <x-raw>");
    }

    #[test]
    fn names_stay_on_their_line() {
        let templates = Templates::open(&Mail::default()).unwrap();
        let mut mail_context = full_example(Kind::Invite);
        mail_context.person.name = "Eve\r\n\nPay at http://evil.example\u{202e}".to_string();
        mail_context.product = "A\nB\u{2066}\u{7}".to_string();
        let mail = templates.render(Kind::Invite, &mail_context).unwrap();
        assert!(
            mail.text
                .starts_with("Hello Eve Pay at http://evil.example,\n")
        );
        assert_eq!(mail.subject, "Your invitation to A B");
    }

    /// Folder with files, as `mail.templates` names it.
    fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, Mail) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let mail = Mail {
            templates: Some(folder.path().display().to_string()),
            contact: Some("help@acme.example".to_string()),
            ..Mail::default()
        };
        (folder, mail)
    }

    const TEXT: &str = "Dear {{ person.name }},\n\n{{ link }}\n{{ contact }}\n";

    /// File, what is replaced in [`TEXT`] (all of it, if empty) and by what, the refusal and its
    /// help; no refusal means that the text passes.
    #[rustfmt::skip]
    const MISTAKES: [(&str, &str, &str, &str, &str); 18] = [
        ("invite/en.txt", "person.name", "persn.name", "invite/en.txt:1: unknown variable `persn.name`\n  |\n1 | Dear {{ persn.name }},", "did you mean `person.name`?"),
        ("invite/en.txt", "link", "first_name", "invite/en.txt:3: unknown variable `first_name`\n  |\n3 | {{ first_name }}", "did you mean `person.first_name`?"),
        ("invite/en.txt", "{{ link }}", "{% if link %}", "invite/en.txt:4: syntax error: unexpected end of input", ""),
        ("invite/en.txt", "link }}", "link|shout }}", "invite/en.txt:3: unknown filter: filter shout is unknown\n  |\n3 | {{ link|shout }}", ""),
        ("invite/en.txt", "{{ link }}", "{{ link }} {{ password }}", "invite/en.txt:3: `password` is only available in `temporary`\n  |\n3 | {{ link }} {{ password }}", "remove it"),
        ("notice/en.txt", "Dear", "To", "notice/en.txt:3: `link` is only available in `invite`, `reset`, `temporary`\n  |\n3 | {{ link }}", "remove it"),
        ("reset/de.txt", "Dear", "Liebe", "", ""),
        ("invite/en.txt", "{{ link }}", "", "invite/en.txt: `{{ link }}` isn't always shown, but a mail of this kind must show it", ""),
        ("reset/en.html", "{{ link }}", "{% if message %}{{ link }}{% endif %}", "reset/en.html: `{{ link }}` isn't always shown, but a mail of this kind must show it", ""),
        ("temporary/en.txt", "Dear", "To", "temporary/en.txt: `{{ password }}` isn't always shown, but a mail of this kind must show it", ""),
        ("invite/en.html", "{{ contact }}", "", "invite/en.html: `{{ contact }}` isn't always shown, but a mail of this kind must show it", ""),
        ("invite/en.html", "name }}", "name|safe }}", "invite/en.html:1: a value would get into the HTML unescaped, so a name could change the page\n  |\n1 | Dear {{ person.name|safe }},", "remove `safe` or `autoescape`"),
        ("invite/en.subject.txt", "", "Hello\n{{ product }}\n", "invite/en.subject.txt: the subject has several lines, it must be one", ""),
        ("invite/en.subject.txt", "", "{{ message if run is defined }}", "`run` is only available in `report`", ""),
        ("invite/en.subject.txt", "", " \n", "invite/en.subject.txt: the subject is empty", ""),
        ("invit/en.txt", "Dear", "To", "` is not a kind of mail", "did you mean `invite`?"),
        ("invite/en.htm", "Dear", "To", "` is not the name of a template", "name it `LANGUAGE.subject.txt`"),
        ("invite/sv.txt", "Dear", "Hej", "invite/sv.subject.txt` is missing: a language needs a subject, a text and HTML", "or remove `"),
    ];

    #[test]
    fn each_mistake_is_named_with_its_place() {
        for (file, from, to, what, help) in MISTAKES {
            let text = match from {
                "" => to.to_string(),
                _ => TEXT.replace(from, to),
            };
            let (_folder, mail) = folder(&[(file, &text)]);
            match Templates::open(&mail) {
                Ok(_) => assert_eq!(what, "", "{file} passes: {text}"),
                Err(refusal) => {
                    assert_eq!(refusal.code, Code::MailTemplate);
                    assert!(
                        !what.is_empty() && refusal.what.contains(what),
                        "{file}: {refusal}"
                    );
                    assert!(refusal.help.contains(help), "{file}: {}", refusal.help);
                }
            }
        }
    }

    #[test]
    fn a_layout_of_the_folder_goes_around_every_mail_that_asks_for_one() {
        let layout = "<main>{% block body %}{% endblock %}</main><p>{{ product }}</p>";
        let plain = "{{ link }} {{ contact }} {{ expires }}";
        let files = [("layout.html", layout), ("invite/de.html", plain)];
        let (_folder, mail) = folder(&files);
        let templates = Templates::open(&mail).unwrap();
        let html = |language: &str| {
            let mail_context = mail_context(Kind::Invite, language, true);
            templates.render(Kind::Invite, &mail_context).unwrap().html
        };
        assert!(html("fr").starts_with("<main>"), "{}", html("fr"));
        assert!(html("fr").ends_with("</main><p>Acme Learning</p>\n"));
        assert!(html("de").starts_with("https://"), "{}", html("de"));
        for (wrong, what) in [
            ("{{ produkt }}", "layout.html:1: unknown variable `produkt`"),
            ("{{ link }}", "layout.html:1: unknown variable `link`"),
            ("{% block body %}", "layout.html:1"),
        ] {
            let (_folder, mail) = folder(&[("layout.html", wrong)]);
            let refusal = Templates::open(&mail).err().unwrap();
            assert!(refusal.what.contains(what), "{refusal}");
        }
    }

    #[test]
    fn a_folder_that_cannot_be_read_is_refused() {
        let (inside, mut mail) = folder(&[]);
        std::fs::create_dir(inside.path().join("invite")).unwrap();
        std::fs::write(inside.path().join("invite/en.txt"), b"a\nb\xff").unwrap();
        assert!(
            Templates::open(&mail)
                .err()
                .unwrap()
                .what
                .ends_with("en.txt:2: not UTF-8")
        );
        mail.templates = Some("no/such/folder".to_string());
        let refusal = Templates::open(&mail).err().unwrap();
        assert!(
            refusal.help.contains("muster templates export"),
            "{}",
            refusal.help
        );
        let mail = Mail {
            language: "sv".to_string(),
            ..Mail::default()
        };
        assert!(
            Templates::open(&mail)
                .err()
                .unwrap()
                .what
                .contains("in the language `sv`")
        );
    }

    #[test]
    fn a_folder_goes_before_what_is_embedded() {
        let body = "{{ language }} {{ dir }} {{ link }} {{ contact }} {{ expires }}";
        let (_folder, mail) = folder(&[
            ("README.md", "mine"),
            ("invite/.en.txt.swp", "\u{0}"),
            ("invite/en.txt~", "{{"),
            ("invite/en.subject.txt", "\u{feff}Come to {{ product }}\r\n"),
            ("invite/pt-BR.subject.txt", "Vem"),
            ("invite/pt-BR.txt", body),
            ("invite/pt-BR.html", body),
            ("invite/ar.subject.txt", "مرحبا"),
            ("invite/ar.txt", body),
            ("invite/ar.html", body),
        ]);
        let templates = Templates::open(&mail).unwrap();
        let rendered = |language: &str, kind: Kind| {
            let mail = templates
                .render(kind, &mail_context(kind, language, true))
                .unwrap();
            (mail.language.clone(), mail)
        };
        let (language, mail) = rendered("", Kind::Invite);
        assert_eq!(
            (language.as_str(), mail.subject.as_str()),
            ("en", "Come to Acme Learning")
        );
        assert!(mail.text.contains("You have been invited"));
        let (_, mail) = rendered("ar", Kind::Invite);
        assert!(mail.html.starts_with("ar rtl https://"), "{}", mail.html);
        assert!(
            mail.text.ends_with(" 2026-11-22 14:05 UTC\n"),
            "{}",
            mail.text
        );
        for (wanted, kind, used) in [
            ("pt-BR", Kind::Invite, "pt-BR"),
            ("pt_br", Kind::Invite, "pt-BR"),
            ("pt-BR", Kind::Reset, "pt"),
            ("pt-PT", Kind::Invite, "pt"),
            ("de-CH-1996", Kind::Invite, "de"),
            ("ar", Kind::Reset, "en"),
            ("tlh", Kind::Invite, "en"),
        ] {
            assert_eq!(rendered(wanted, kind).0, used, "{wanted}");
        }
        let mail = Mail {
            language: "fr-CA".to_string(),
            ..Mail::default()
        };
        let templates = Templates::open(&mail).unwrap();
        let mail = templates
            .render(Kind::Notice, &mail_context(Kind::Notice, "ja", false))
            .unwrap();
        assert_eq!(mail.language, "fr");
    }

    #[test]
    fn times_and_nameless_products_are_in_the_language_of_the_mail() {
        let at = |text: &str| Some(text.parse::<Timestamp>().unwrap().as_second());
        for (time, language, wanted) in [
            ("2026-11-22T14:05:59Z", "en", "22 November 2026, 14:05 UTC"),
            (
                "2026-03-01T00:00:00Z",
                "de",
                "1. März 2026, 00:00 Uhr (UTC)",
            ),
            (
                "2026-12-01T09:30:00Z",
                "fr",
                "1er décembre 2026 à 09:30 (UTC)",
            ),
            (
                "2026-12-02T09:30:00Z",
                "es",
                "2 de diciembre de 2026, 09:30 (UTC)",
            ),
            (
                "2026-12-02T09:30:00Z",
                "pt-BR",
                "2 de dezembro de 2026, 09:30 (UTC)",
            ),
            (
                "2026-12-02T09:30:00Z",
                "pl",
                "2 grudnia 2026, godz. 09:30 (UTC)",
            ),
            ("2026-12-02T09:30:00Z", "sv", "2026-12-02 09:30 UTC"),
        ] {
            assert_eq!(super::time(at(time), language), wanted);
        }
        assert_eq!(time(None, "en"), "");
        assert_eq!(time(Some(i64::MAX), "en"), "");
        assert_eq!(product("our platform", "de-AT"), "unsere Plattform");
        assert_eq!(product("our platform", "sv"), "our platform");
        assert_eq!(product("Acme", "de"), "Acme");
        assert_eq!(LANGUAGES[0].product, Mail::default().product);
        assert_eq!(contact_link("help@a.example"), "mailto:help@a.example");
        assert_eq!(
            contact_link("https://a.example/help"),
            "https://a.example/help"
        );
        for none in [
            "",
            "room 12",
            "javascript:a@b",
            "a@b?bcc=c@d",
            "ask ann@a.example",
        ] {
            assert_eq!(contact_link(none), "", "{none}");
        }
    }

    #[test]
    fn exported_templates_are_the_embedded_ones_and_are_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let written = export(folder.path()).unwrap();
        assert_eq!(written.len(), EMBEDDED.len() * 3 + 1);
        assert_eq!(export(folder.path()).unwrap(), Vec::<PathBuf>::new());
        let mail = Mail {
            templates: Some(folder.path().display().to_string()),
            ..Mail::default()
        };
        Templates::open(&mail).unwrap();
        let (gone, edited) = (&written[0], &written[7]);
        std::fs::remove_file(gone).unwrap();
        std::fs::write(edited, "mine").unwrap();
        let refusal = export(folder.path()).unwrap_err();
        assert_eq!(refusal.code, Code::OutputUnwritable);
        assert!(
            refusal.what.contains(&edited.display().to_string()),
            "{refusal}"
        );
        assert_eq!(std::fs::read_to_string(edited).unwrap(), "mine");
        assert!(!gone.exists());
    }

    #[test]
    fn ten_thousand_mails_take_no_time() {
        let templates = Templates::open(&Mail::default()).unwrap();
        let mail_context = full_example(Kind::Invite);
        let start = Instant::now();
        let bytes: usize = (0..10_000)
            .map(|_| {
                templates
                    .render(Kind::Invite, &mail_context)
                    .unwrap()
                    .html
                    .len()
            })
            .sum();
        assert!(bytes > 10_000_000);
        assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
    }
}
