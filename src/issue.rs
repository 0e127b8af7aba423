//! Everything that muster can say about a row or refuse a file for: one table of stable codes.
//!
//! A code is never reused for something else. Each has a case in `fixtures/cases` that shows it,
//! and a line in the README's table; a test holds the three together.

use serde::{Deserialize, Serialize};

use crate::field::{Field, RowNumber};

/// How much an issue weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Something worth knowing; nothing is wrong.
    Note,
    /// Probably wrong, but the row goes in.
    Warning,
    /// The row stays out until it is fixed.
    Reject,
    /// The whole run is refused before any write.
    Refuse,
}

impl Severity {
    /// The severity's word.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Reject => "reject",
            Severity::Refuse => "refuse",
        }
    }
}

macro_rules! codes {
    ($($variant:ident $code:literal $severity:ident $title:literal, $fix:literal;)*) => {
        /// A stable diagnostic code.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[repr(u16)]
        pub enum Code {
            $(#[doc = $title] $variant,)*
        }

        impl Code {
            /// Every code, in the table's order.
            pub const ALL: &[Code] = &[$(Code::$variant),*];

            /// The code as written in reports, such as `email.syntax`.
            pub fn name(self) -> &'static str {
                match self { $(Code::$variant => $code),* }
            }

            /// How much it weighs.
            pub fn severity(self) -> Severity {
                match self { $(Code::$variant => Severity::$severity),* }
            }

            /// What it means, in a few plain words.
            pub fn title(self) -> &'static str {
                match self { $(Code::$variant => $title),* }
            }

            /// How to fix it, as an instruction to the person who has the file.
            pub fn fix(self) -> &'static str {
                match self { $(Code::$variant => $fix),* }
            }
        }
    };
}

codes! {
    // the file as a whole
    FileNotFound "file.not_found" Refuse "no such file", "check the path; `muster check` takes one or more files";
    FileUnreadable "file.unreadable" Refuse "the file can't be read", "name a regular file that you may read";
    FileEmpty "file.empty" Refuse "the file is empty", "export it again; an empty file never counts as an empty list";
    FileNoRows "file.no_rows" Refuse "the file has a header but no rows", "export it again with its rows";
    FileFormat "file.format" Refuse "not a file that muster reads", "save it as CSV (UTF-8) or as a workbook (.xlsx)";
    FileEncrypted "file.encrypted" Refuse "the file is encrypted", "open it in Excel and save a copy without a password";
    FileDamaged "file.damaged" Refuse "the file is damaged", "open it in Excel and save it again";
    FileEncoding "file.encoding" Refuse "unknown encoding", "name it: `utf-8`, `windows-1252`, `utf-16le`, `cp850`, `macintosh`, …; or save the file as UTF-8";
    FileLimit "file.limit" Refuse "the file is over a limit", "split the file";
    FileArchive "file.archive" Refuse "the archive doesn't contain exactly one list", "unpack it, and name the file that holds the people";
    FileSheets "file.sheets" Refuse "the workbook has several sheets with data", "name one: `[read] sheet = \"…\"`, or `--sheet`";
    FileNoSheet "file.no_sheet" Refuse "the workbook has no such sheet", "use one of the listed names";
    FileNoHeader "file.no_header" Refuse "no header row was found", "put the column names into the first row, or set `[read] header_row`";
    FileChanged "file.changed" Refuse "the file changed while it was being read", "wait until it is complete, then start again";
    // a file in a drop folder
    DropFolder "drop.folder" Refuse "the drop folder can't be used", "name a folder that muster can write to, and leave its subfolders `done` and `refused` to muster";
    DropManifest "drop.manifest" Refuse "the manifest doesn't describe its file", "write it as {\"rows\": 1000, \"sha256\": \"…\"}, or as `sha256sum` does; then drop both again";
    DropTruncated "drop.truncated" Refuse "the row count differs from the manifest", "have it exported and sent again";
    DropChecksum "drop.checksum" Refuse "the checksum differs from the manifest", "have it sent again, with its own manifest";
    DropStale "drop.stale" Refuse "the file is older than a list that was already imported", "nothing, if it was dropped by mistake; to import it anyway: `muster import FILE`";
    DropRepeated "drop.repeated" Refuse "the same file was imported before", "nothing; to import it again anyway: `muster import FILE`";
    // mapping
    MapMissing "map.missing" Refuse "a required column is missing", "add the column, or map one to it under `[columns]`";
    MapDoubled "map.doubled" Refuse "two columns map to the same field", "remove one, or name under `[columns]` the one to use";
    MapUnknown "map.unknown" Refuse "a column that the pipeline doesn't know", "map it, or set `unknown = \"attribute\"` or `\"ignore\"` under `[columns]`";
    MapNotFound "map.not_found" Refuse "the pipeline names a column that the file doesn't have", "correct the name under `[columns]` or `[attributes]`";
    MapAmbiguous "map.ambiguous" Warning "a column that could be either of two fields", "name the right one under `[columns]`";
    MapLikely "map.likely" Warning "a column that is probably a field; kept as a custom attribute", "map it under `[columns]`, or keep it under `[attributes]`; `muster map` writes the lines";
    MapChosen "map.chosen" Note "several columns could be the same field; the usual one was taken", "nothing, if it is the right one; otherwise name the other under `[columns]`";
    MapNameless "map.nameless" Warning "a column has values but no name; it was not read", "give it a name, or remove it";
    MapPassword "map.password" Warning "a password column was dropped", "leave passwords out of the file; people choose their own when they are invited";
    // reading a row
    MapClosing "map.closing" Refuse "a column may say whose account is closed", "state in a pipeline whether it is the status";
    MapStatus "map.status" Note "a column was read as the status because of its name", "nothing, if that is right; otherwise name it under `[attributes]` or `[columns] ignore`";
    RowShort "row.short" Reject "fewer cells than the header has", "add the missing cells";
    RowLong "row.long" Reject "more cells than the header has", "quote the cell that contains a delimiter, or remove the extra cells";
    RowEncoding "row.encoding" Reject "bytes that are not text in the file's encoding", "type the damaged characters again, and save as UTF-8";
    RowQuote "row.quote" Warning "a quote in the middle of a cell", "double a quote that is part of the text, and quote the whole cell";
    RowAfterQuote "row.after_quote" Reject "text after a closing quote", "double a quote that is part of the text, and quote the whole cell";
    RowUnclosed "row.unclosed" Reject "a quote that is never closed", "close the quote, or remove it";
    RowMark "row.mark" Note "`muster_row` has no meaning here; the row is treated like any other", "nothing; if the row is a correction, keep `muster_row` as muster wrote it";
    RowJson "row.json" Reject "not a JSON object, or one with a repeated key", "correct the named place, or have the record exported again";
    RowNoPerson "row.no_person" Note "a row about nobody: no name, address, id or username", "nothing; if the row is about a person, fill in who it is";
    CellConverted "cell.converted" Reject "a spreadsheet turned the value into a date, a yes or no, or a percentage", "format the column as text, type the original value, and save again; if the value is right, name the field in `converted` under `[clean]`";
    CellList "cell.list" Warning "a list that can be read in several ways", "check how it was read; set `separators` and `nesting` under `[groups]`";
    CellMojibake "cell.mojibake" Warning "text that was once read in the wrong encoding", "type it as the suggested repair shows, or export the list as UTF-8";
    CellError "cell.error" Reject "the cell contains an error", "fix the formula, or type the value";
    CellFormula "cell.formula" Note "the cell contains a formula; its last result was used", "nothing, if the result is right";
    CellUncomputed "cell.uncomputed" Reject "the cell contains a formula without a result", "open the file in Excel and save it, so that it is calculated; or type the value";
    CellMerged "cell.merged" Warning "an empty cell that is merged with another; only the other has the text", "unmerge the cells, and fill in each";
    CellPrecision "cell.precision" Reject "a number with more digits than can be kept", "write it as text: in a workbook, format the column as text first; in JSON, put it in quotes";
    CellScientific "cell.scientific" Warning "a number that a spreadsheet shortened to scientific notation; kept as typed", "type the whole number, in a column that is formatted as text";
    CellNothing "cell.nothing" Note "a word that means no value; treated as an empty cell", "nothing; if it is data, name it in `data` under `[clean]`; to treat it as empty without this note, name it in `nothing` there";
    CellLeftover "cell.leftover" Warning "leftover codes of another system in a text; kept as typed", "type it as the suggested repair shows, or correct the list at its source";
    CellInvisible "cell.invisible" Note "invisible characters were removed from a value that identifies the person", "nothing; or correct the list at its source";
    CellLong "cell.long" Reject "text longer than the field allows", "shorten it";
    // required fields
    FirstNameMissing "first_name.missing" Reject "no first name", "add it";
    LastNameMissing "last_name.missing" Reject "no last name", "add it";
    EmailMissing "email.missing" Reject "no e-mail address", "add it, or set `email_or_username = true` under `[require]`";
    FieldMissing "field.missing" Reject "a required field is empty", "add it";
    FullNameSingle "full_name.single" Reject "only one word where first and last name are needed", "write both, as `First Last` or `Last, First`";
    FullNameUnclear "full_name.unclear" Warning "a full name that can be read in several ways", "check how it was read; if that is wrong, use separate columns for first and last name, or write it as `Last, First`";
    NameSeveral "name.several" Warning "a name of several people", "give each person a separate row with their own address";
    // e-mail
    EmailSyntax "email.syntax" Reject "not an e-mail address", "write it as name@example.org";
    EmailMultiple "email.multiple" Reject "several e-mail addresses in one cell", "keep one";
    EmailDomain "email.domain" Reject "the domain can't exist", "correct the part after the @";
    EmailLength "email.length" Reject "the address is too long", "use an address of at most 254 bytes, 64 of them before the @";
    EmailUnsupported "email.local_unsupported" Reject "characters before the @ that mail servers don't accept", "use an address in plain letters";
    EmailTypo "email.typo" Warning "the domain looks mistyped", "correct it if the suggestion is right";
    EmailSuffix "email.suffix" Warning "the domain doesn't end in a known suffix", "check the part after the last dot";
    EmailDisposable "email.disposable" Warning "a disposable address", "ask for a permanent address";
    EmailRole "email.role" Warning "the address of a role, not of a person", "use the person's own address";
    EmailReserved "email.reserved" Warning "a domain that can never receive mail", "correct it before you invite people";
    EmailMixed "email.mixed_script" Warning "look-alike letters from several alphabets", "type the address again";
    EmailUnusual "email.unusual" Warning "unusual characters before the @", "check the address";
    EmailAlike "email.look_alike" Warning "another row's address looks the same, or belongs to the same mailbox", "if both rows are the same person, keep one; if not, find out who the other is";
    // other fields
    KeyPlaceholder "key.placeholder" Warning "a placeholder instead of an id, username or address; treated as an empty cell", "type the person's own id, username or address; if the value is real, name it in `data` under `[clean]`";
    UsernameSyntax "username.syntax" Reject "a username with white space or control characters, or without letters and digits", "use letters, digits, dots and dashes";
    UsernameMixed "username.mixed_script" Warning "look-alike letters from several alphabets", "type the username again";
    UsernameAlike "username.look_alike" Warning "another row's username looks the same, in other letters", "if both rows are the same person, keep one; if not, find out who the other is";
    PhoneInvalid "phone.invalid" Warning "not a phone number that can be called; kept as typed", "write it with its country code, such as +49 30 123456";
    CountryUnknown "country.unknown" Warning "not a country in ISO 3166; kept as typed", "use a code such as DE, or the country's name";
    CountryAmbiguous "country.ambiguous" Warning "a name that could be several countries; kept as typed", "write the code of the right one";
    CountryMisspelled "country.misspelled" Note "a misspelled country; read as the only one it can be", "nothing, if that is the country";
    LanguageUnknown "language.unknown" Warning "not a language tag; kept as typed", "use a code such as `en` or `pt-BR`";
    BooleanUnknown "boolean.unknown" Warning "neither yes nor no; kept as typed", "write `true` or `false`, or add the word under `[boolean]`";
    DateInvalid "date.invalid" Reject "not a date", "write it as 2026-11-22";
    DateAmbiguous "date.ambiguous" Reject "it isn't clear which is the day and which the month", "write it as 2026-11-22, or set `[clean] date_order`";
    DateFlipped "date.flipped" Reject "a date whose day and month a spreadsheet has probably swapped", "type the date as text, such as 2026-11-22, or export the list again; if the dates are right, set `flipped_dates = \"accept\"` under `[clean]`";
    DateOver "date.over" Warning "the last day has passed, but the pipeline doesn't act on dates", "correct the date; or set `dates = \"schedule\"` under `[accounts]`";
    DateFar "date.far" Warning "a date that is implausibly far away", "check the year; leave the cell empty if there is no date";
    StatusUnknown "status.unknown" Reject "not a status", "use `active`, `invited` or `deactivated`, or yes or no in a column such as `Active`; or define the word under `[status]`";
    StatusSkipped "status.skipped" Note "left out because of its status", "nothing; `[status]` defines what each status means";
    StatusLater "status.later" Note "the account will be closed on a later day", "nothing, if the list is imported again then";
    PasswordGiven "password.given" Note "the account gets the password that was given", "nothing; the person must change it at the first sign-in";
    PasswordWithheld "password.withheld" Warning "the account isn't active, so that it gets no password", "activate it, or let the person accept the invitation";
    RoleRule "role.rule" Note "a rule of the pipeline gave the role", "nothing, if it is right; a role in the file counts more, and `rules` under `[role]` says who gets which role";
    RoleNotAllowed "role.not_allowed" Reject "a role that this pipeline doesn't allow", "correct it, or add it to `roles` under `[accounts]`, or `[groups]` for a role within a group";
    GroupSyntax "group.syntax" Reject "a group name that can't be used", "leave no part of a nested name empty, and use at most 200 characters";
    GroupMissing "group.missing" Reject "in no group", "name at least one group, or set `required = false` under `[groups]`";
    GroupBoth "group.both" Reject "the same group to join and to leave", "name it in one of the columns only";
    GroupHeld "group.held" Warning "the row waits for a group that doesn't exist yet", "create the group, then import the file again; or set `missing` under `[groups]`";
    GroupUnknown "group.unknown" Reject "no such group", "correct the name, or set `missing = \"create\"` under `[groups]`";
    SessionHeld "session.held" Warning "the row waits for a session that doesn't exist yet", "import the session with `muster sessions import`, then import the file again; or set `missing` under `[sessions]`";
    SessionUnknown "session.unknown" Reject "no such session", "correct the name, or import the session first: `muster sessions import`";
    SessionName "session.name" Reject "a session without a name that can be used", "give it a name of at most 200 characters";
    SessionTime "session.time" Reject "not a date with a time of day", "write it as 2026-12-14 09:30; the end may be a time of day alone";
    SessionZone "session.zone" Reject "no time zone", "name one with --time-zone, such as Europe/Paris, or in a column `time zone`; or write times as 2026-12-14T09:30+01:00";
    SessionLink "session.link" Reject "not a web address", "write it as https://example.com/room, or leave it empty";
    SessionTwice "session.twice" Reject "a session that an earlier row names", "keep one of the rows, or give this session another name";
    PasswordFormat "password.format" Reject "not a password hash that can be imported", "export hashes in a form that `pipelines/README.md` lists; or leave the cell empty, and the person chooses a password";
    PasswordMisplaced "password.misplaced" Reject "a password hash outside its column", "put every cell under its header";
    PasswordCostly "password.costly" Reject "a password hash that takes too long to verify", "leave the cell empty, and the person chooses a password";
    PasswordWeak "password.weak" Warning "a weak password hash; imported anyway", "have the person choose a new password, or leave the cell empty";
    PasswordKept "password.kept" Note "the account's password, or lack of one, stays as it is", "nothing; only new accounts get passwords";
    NameSuspicious "name.suspicious" Warning "this doesn't look like a name", "type the real name; if many rows have this, check that the columns are not shifted";
    ManagerSelf "manager.self" Warning "the row names its own person as manager", "name the person's manager, or leave the cell empty";
    ManagerCircle "manager.circle" Warning "managers who report to each other, directly or through others", "correct the manager of one of the rows";
    ManagerUnknown "manager.unknown" Warning "the row's manager matches no known person", "write the manager's external id, e-mail address, username or full name as it is in the manager's own row";
    NameMixed "name.mixed_script" Warning "letters from several alphabets in one word of a name", "type the name again";
    // clashes inside the file
    ClashExternalId "clash.external_id" Reject "the same external id in several rows with different values", "keep one of the rows";
    ClashEmail "clash.email" Reject "the same e-mail address in several rows with different values", "keep one of the rows, or correct the address";
    ClashUsername "clash.username" Reject "the same username in several rows with different values", "keep one of the rows, or correct the username";
    ClashKept "clash.kept" Warning "other rows with the same key were left out", "check that this is the right row";
    ClashSkipped "clash.skipped" Warning "another row with the same key was taken instead", "nothing, if the other row is right";
    // against the accounts
    MatchAmbiguous "match.ambiguous" Reject "the row's keys belong to different accounts", "correct the key that is wrong";
    MatchTwice "match.twice" Reject "several rows match the same account", "keep one of the rows";
    MatchConflict "match.conflict" Reject "the matched account has a different external id", "correct the external id, or the address that found the account";
    MatchReturned "match.returned" Warning "a known address with a different external id", "if it is the same person, set `returning = \"same\"` under `[match]` and import again; if not, correct the address or the id in the file";
    MatchZeros "match.zeros" Warning "the id of a known person without its leading zeros", "format the column as text, type the ids with their leading zeros or export them again, and import again; `returning` under `[match]` would overwrite the right ids";
    MatchOtherPerson "match.other_person" Warning "a known id or username with another person's name and address", "if it is the same person, set `recycled = \"same\"` under `[match]` and import again; if not, give the new person a separate id or username";
    MatchNoKey "match.no_key" Reject "no key to match the person by", "fill in one of the columns that `by` under `[match]` names";
    AccountActive "account.active" Reject "the person already has an active account", "leave the row out, or set `existing_active` under `[match]` to update or skip such people";
    AccountExists "account.exists" Reject "the person already has an account", "leave the row out, or use mode `upsert`";
    AccountNone "account.none" Reject "no account to update", "leave the row out, or use mode `upsert`";
    AccountUsed "account.used" Warning "the account was used, so that it isn't removed", "close it instead: `muster people change --deactivate`";
    AccountClosed "account.closed" Warning "the row's account is closed and stays closed", "if the person is back, write `active` into a status column, or set `existing_deactivated = \"reactivate\"` under `[match]`; if not, remove the row from the list";
    AccountSkipped "account.skipped" Note "left alone because the pipeline skips such accounts", "nothing";
    UpdateKept "update.kept" Note "left unchanged because it was last set elsewhere", "nothing; to change it anyway, set \"overwrite\" under `[update]`";
    // safeguards
    SafeguardCreate "gate.create" Reject "held: more new accounts than the limit", "review them, then `muster approve` the run; or import again with `--allow`";
    SafeguardUpdate "gate.update" Reject "held: more accounts would change than the limit", "review them, then `muster approve` the run; or import again with `--allow`";
    SafeguardDeactivate "gate.deactivate" Reject "held: more accounts would be closed than the limit", "review them, then `muster approve` the run; or import again with `--allow`";
    SafeguardEmail "gate.email_change" Reject "held: more accounts would get a different address than the limit", "review them, then `muster approve` the run; or import again with `--allow`";
    SafeguardRole "gate.role_raise" Reject "held: more accounts would get a higher role than the limit", "review them, then `muster approve` the run; or import again with `--allow`";
    SafeguardKey "gate.key_change" Reject "held: more accounts would get a different id or username than the limit", "review them, then `muster approve` the run; or import again with `--allow`";
    SafeguardGroups "gate.new_groups" Reject "held: more new groups than the limit", "review them, then `muster approve` the run; or import again with `--allow`";
    SafeguardSeats "gate.seats" Reject "held: not enough seats", "free some, or raise `seats` under `[gates]`";
    SafeguardContent "gate.content" Reject "held: the file as a whole is in doubt", "see what was found; fix the file, or approve the run if the file is right";
    SafeguardOthers "gate.others" Reject "held: the pipeline writes nothing while anything is held", "check which other rows are held, and why";
    // writing
    LoadRefused "load.refused" Reject "the database refused the row", "see the database's message";
    LoadDrifted "load.drifted" Reject "the account changed while the import was running", "run the import again";
    PlanDrifted "plan.drifted" Reject "the account changed since the check", "check the file again, or apply the plan with `--replan-drifted`";
    PlanLeftOut "plan.left_out" Note "not selected from the plan", "nothing, or apply the whole plan";
    // the pipeline and the command line
    PlanInvalid "plan.invalid" Refuse "the file is not a plan that can be applied", "create a new one: `muster check FILE --plan PLAN`";
    PipelineNotFound "pipeline.not_found" Refuse "no such pipeline", "name a file, or one of `pipelines/`";
    PipelineInvalid "pipeline.invalid" Refuse "the pipeline file is wrong", "correct the place shown";
    PipelineAmbiguous "pipeline.ambiguous" Refuse "the files fit several pipelines", "name one with `-p`";
    UsageInvalid "usage.invalid" Refuse "the command can't be run as given", "see `muster help`";
    OutputUnwritable "output.unwritable" Refuse "the reports can't be written", "choose another folder with `--out`";
    // the database
    DatabaseMissing "database.missing" Refuse "no PostgreSQL was found", "set `DATABASE_URL`, or install a server: `apt-get install postgresql`";
    DatabaseUrl "database.url" Refuse "the database URL is wrong", "write it as postgresql://user@host:5432/name?sslmode=verify-full";
    DatabaseUnreachable "database.unreachable" Refuse "the database can't be reached", "check host and port, and that the server is running";
    DatabaseLogin "database.login" Refuse "the database refused the login", "check user and password";
    DatabaseRights "database.rights" Refuse "the database user lacks a privilege", "grant it, or connect as another user";
    DatabaseTls "database.tls" Refuse "no trusted TLS connection to the database", "fix the server's certificate, or name its authority with `sslrootcert`";
    DatabaseVersion "database.version" Refuse "the database is too old, or newer than this version of muster", "use PostgreSQL 13 or newer, and a current version of muster";
    DatabaseFailed "database.failed" Refuse "the database reported an error", "see the database's message";
    TargetConflict "target.conflict" Refuse "the table can't be written with this mapping", "fix the named columns; `muster target inspect TABLE` proposes a mapping";
    TargetOther "target.other" Refuse "this database keeps its accounts in another table", "use the pipeline of that target, or another database";
    RunUnknown "run.unknown" Refuse "no such run", "`muster runs` lists them";
    ExplainUnknown "explain.unknown" Refuse "no person matches that", "name an e-mail address, an external id, a username, an account id, a first and last name, or RUN:LINE";
    RunNotHeld "run.not_held" Refuse "nothing in the run waits for approval", "`muster show` shows what a run did";
    RunStopped "run.stopped" Refuse "stopped before the end", "run the same command again; it continues where it stopped";
    // mail
    MailSettings "mail.settings" Refuse "a setting of `[mail]` is missing or wrong", "correct it in the pipeline";
    MailTemplate "mail.template" Refuse "a mail template is wrong", "correct the place shown";
    MailServer "mail.server" Refuse "the mail server can't be used", "check host, port, login and certificate, then run the command again; unsent mails wait";
    MailRefused "mail.refused" Refuse "too many of the first mails were refused", "see why with `muster invitations list`, fix it, then run the command again";
    SelectionUnknown "selection.unknown" Refuse "a word of a selection matches nobody", "correct it; `muster show` and `muster people list` name people";
    InvitationNone "invitation.none" Refuse "no such invitation", "`muster invitations list` lists them";
    RunLocked "run.locked" Refuse "another import is running on this database", "wait until it ends";
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// One problem or remark about one row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issue {
    /// What kind of problem.
    pub code: Code,
    /// The row, by its number in the run; its place is looked up when the issue is shown.
    pub row: RowNumber,
    /// The field that it is about, if it is about one.
    pub field: Option<Field>,
    /// The column in the file, from 0, where it is known.
    pub column: Option<u16>,
    /// What was found, as the file shows it; may be cut.
    pub found: String,
    /// What was expected, or what would help: a suggestion, the other row, the account.
    pub detail: String,
}

impl Issue {
    /// An issue about a whole row.
    pub fn of_row(code: Code, row: RowNumber, detail: impl Into<String>) -> Issue {
        Issue {
            code,
            row,
            field: None,
            column: None,
            found: String::new(),
            detail: detail.into(),
        }
    }

    /// An issue about a value that is not a field, such as a custom attribute; `detail` names it.
    pub fn of_value(code: Code, row: RowNumber, found: &str, detail: impl Into<String>) -> Issue {
        Issue {
            found: cut(found),
            ..Issue::of_row(code, row, detail)
        }
    }

    /// An issue about one field of a row. `found` is cut to what a report can show.
    pub fn of_field(
        code: Code,
        row: RowNumber,
        field: Field,
        found: &str,
        detail: impl Into<String>,
    ) -> Issue {
        Issue {
            code,
            row,
            field: Some(field),
            column: None,
            found: cut(found),
            detail: detail.into(),
        }
    }
}

/// The most characters of a value that an issue carries.
const FOUND_CHARS_MAX: usize = 120;

fn cut(text: &str) -> String {
    match text.char_indices().nth(FOUND_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_string(),
    }
}

/// Hides most of a personal value: `jane.doe@example.org` becomes `j***@e***.org`.
pub fn mask(value: &str) -> String {
    let first = |text: &str| text.chars().next().map(String::from).unwrap_or_default();
    match value.rsplit_once('@') {
        Some((local, domain)) => {
            let suffix = domain.rsplit_once('.').map_or("", |(_, suffix)| suffix);
            format!("{}***@{}***.{suffix}", first(local), first(domain))
        }
        None if value.is_empty() => String::new(),
        None => format!("{}***", first(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn codes_are_unique_and_name_their_room() {
        let names: HashSet<_> = Code::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        for code in Code::ALL {
            assert!(code.name().contains('.'), "{code}");
            assert!(!code.title().ends_with('.'), "{code}");
            assert!(!code.fix().is_empty(), "{code}");
        }
    }

    #[test]
    fn masked_values_keep_only_their_beginnings() {
        assert_eq!(mask("jane.doe@example.org"), "j***@e***.org");
        assert_eq!(mask("Zoë"), "Z***");
        assert_eq!(mask(""), "");
        assert_eq!(mask("a@b"), "a***@b***.");
    }

    /// The README's table is this one. `MUSTER_BLESS=1` rewrites it.
    #[test]
    fn the_readme_has_every_code() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/README.md");
        let readme = std::fs::read_to_string(path).unwrap();
        let mut table = String::from(
            "<!-- codes -->\n| code | severity | meaning | how to fix it |\n|---|---|---|---|\n",
        );
        for code in Code::ALL {
            let cells = [code.title(), code.fix()].map(|text| text.replace('|', "\\|"));
            let severity = code.severity().name();
            table.push_str(&format!(
                "| `{code}` | {severity} | {} | {} |\n",
                cells[0], cells[1]
            ));
        }
        let (before, rest) = readme.split_once("<!-- codes -->").unwrap();
        let (_, after) = rest.split_once("<!-- /codes -->").unwrap();
        let wanted = format!("{before}{table}<!-- /codes -->{after}");
        if std::env::var_os("MUSTER_BLESS").is_some() {
            std::fs::write(path, wanted).unwrap();
        } else {
            assert!(
                readme == wanted,
                "the table of codes in fixtures/README.md is old: MUSTER_BLESS=1 cargo test --release"
            );
        }
    }
}
