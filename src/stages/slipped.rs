//! slipped: whether the columns of a file slipped against each other, so that addresses are next to
//! the names of other people. This happens when somebody sorts only one column, or deletes one cell
//! and lets the others move up. The file alone shows it: an address such as `jane.doe@` fits the
//! name in another row and not the one in its own. Pure.
//!
//! Most addresses fit their names, which costs a few comparisons. Of those that don't, hashes are kept:
//! of the address, and of the addresses that the name could have. Beyond `KEPT_MAX` of them, only a
//! part is kept, the same of both by their hashes, so that a million rows need no more memory.

use std::collections::HashSet;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::field::{Field, Key, RowNumber};
use crate::outcome::Verdict;
use crate::row::{Layout, People};
use crate::text::distinct::Distinct;
use crate::text::names::words;

/// The most hashes of a kind that are kept.
const KEPT_MAX: usize = 1 << 16;
/// This many addresses must fit other rows' names before it is said of a file.
const FITS_MIN: u64 = 4;
/// Of the addresses that don't fit their own names, this share must fit another one.
const FITS_SHARE: f64 = 0.6;
/// Among more addresses than this that don't fit their own names, many fit another one by chance:
/// the usual names are few.
const CHANCE_MAX: u64 = 256;
/// Then this share of all addresses must fit another name. Less than that are rows with the address of
/// somebody else, which are clashes.
const CHANCE_SHARE: f64 = 0.01;
/// Of all addresses of which one part fits, this share must have another one's other part: children
/// have the addresses of their parents.
const PART_SHARE: f64 = 0.5;
/// This many rows in a row are looked at by themselves.
const RUN_MIN: usize = 5;

/// What of an address doesn't fit the name next to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strange {
    /// All of it.
    Whole = 0,
    /// What is there besides the last name.
    First = 1,
    /// What is there besides the first name.
    Last = 2,
}

const STRANGE: [Strange; 3] = [Strange::Whole, Strange::First, Strange::Last];

/// How an address fits the name next to it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Fit {
    /// It is made of the name.
    Own,
    /// It isn't; the text is what is left of it.
    Not(Strange, String),
    /// Nobody can say: the row has no address or no name, or one in other letters.
    Unknown,
}

/// What is known of the addresses that fit another name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Slips {
    /// Rows whose address can be compared with their name.
    judged: u64,
    /// Of these, by [`Strange`].
    strange: [u64; 3],
    kept: [Kept; 3],
    /// The first rows in a row that have each other's addresses.
    run: Option<Run>,
}

/// Rows in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    first: RowNumber,
    last: RowNumber,
    fits: u64,
}

/// Hashes of a kind, all or a part of them.
#[derive(Debug, Clone, Default, PartialEq)]
struct Kept {
    /// Hashes with one of these bits are left out.
    mask: u64,
    addresses: Vec<u64>,
    forms: Vec<u64>,
}

impl Kept {
    fn add(&mut self, addresses: &[u64], forms: &[u64]) {
        let keeps = |mask: u64| move |hash: &&u64| **hash & mask == 0;
        self.addresses
            .extend(addresses.iter().filter(keeps(self.mask)));
        self.forms.extend(forms.iter().filter(keeps(self.mask)));
        while self.addresses.len().max(self.forms.len()) > KEPT_MAX {
            self.mask = self.mask << 1 | 1;
            let mask = self.mask;
            self.addresses.retain(|hash| hash & mask == 0);
            self.forms.retain(|hash| hash & mask == 0);
        }
    }

    /// How many of the addresses there are, and how many of them are those of a name; estimated where
    /// only a part was kept.
    fn fits(&self) -> (u64, u64) {
        let forms: HashSet<u64> = self.forms.iter().copied().collect();
        let fits = self.addresses.iter().filter(|hash| forms.contains(hash));
        let times = self.mask + 1;
        (
            self.addresses.len() as u64 * times,
            fits.count() as u64 * times,
        )
    }
}

/// A row of the run under way.
struct Member {
    row: RowNumber,
    strange: Option<(Strange, u64)>,
    forms: Vec<(Strange, u64)>,
}

impl Slips {
    /// Those of a batch.
    pub fn of(people: &People, layout: &Layout) -> Slips {
        let mut slips = Slips::default();
        let (Some(first), Some(last)) = (
            layout.field(Field::FirstName),
            layout.field(Field::LastName),
        ) else {
            return slips;
        };
        let key = match (layout.field(Field::Email), layout.field(Field::Username)) {
            (Some(_), _) => Key::Email,
            (None, Some(_)) => Key::Username,
            (None, None) => return slips,
        };
        let mut run: Vec<Member> = Vec::new();
        let (mut known, mut letters) = (Names::default(), String::new());
        for index in 0..people.len() {
            if matches!(people.verdicts[index], Verdict::Duplicate(_)) {
                continue;
            }
            let names = [first, last].map(|slot| people.drafts.values.get(index, slot));
            let address = people.key(index, key).unwrap_or("");
            let at = memchr::memrchr(b'@', address.as_bytes());
            let local = at.map_or(address, |at| &address[..at]);
            let end = memchr::memchr(b'+', local.as_bytes());
            let local = end.map_or(local, |end| &local[..end]);
            let row = people.drafts.first_row + index as RowNumber;
            let fit = match fits_plainly(local.as_bytes(), names.map(str::as_bytes)) {
                true => Fit::Own,
                false => fit(local, known.both(names), &mut letters),
            };
            match fit {
                Fit::Own => {
                    slips.judged += 1;
                    slips.end_run(&mut run);
                }
                Fit::Not(strange, rest) => {
                    slips.judged += 1;
                    slips.strange[strange as usize] += 1;
                    run.push(Member {
                        row,
                        strange: Some((strange, hash(strange, &rest))),
                        forms: forms(known.both(names)),
                    });
                }
                // Where the column moved, its first or last cell is empty, and has an owner anyway.
                Fit::Unknown if local.is_empty() && !names[0].is_empty() => run.push(Member {
                    row,
                    strange: None,
                    forms: forms(known.both(names)),
                }),
                Fit::Unknown => {}
            }
        }
        slips.end_run(&mut run);
        slips
    }

    /// Ends the rows in a row that don't fit.
    fn end_run(&mut self, run: &mut Vec<Member>) {
        let strange = run
            .iter()
            .filter_map(|member| Some((member.row, member.strange?)));
        let strange: Vec<(RowNumber, (Strange, u64))> = strange.collect();
        if !strange.is_empty() {
            for kind in STRANGE {
                let addresses = strange.iter().filter(|(_, (of, _))| *of == kind);
                let addresses: Vec<u64> = addresses.map(|(_, (_, hash))| *hash).collect();
                if addresses.is_empty() {
                    continue;
                }
                let forms = run.iter().flat_map(|member| &member.forms);
                let forms: Vec<u64> = forms
                    .filter(|(of, _)| *of == kind)
                    .map(|(_, hash)| *hash)
                    .collect();
                if kind == Strange::Whole && self.run.is_none() && addresses.len() >= RUN_MIN {
                    let known: HashSet<u64> = forms.iter().copied().collect();
                    let fitting = strange
                        .iter()
                        .filter(|(_, (of, hash))| *of == kind && known.contains(hash));
                    let rows: Vec<RowNumber> = fitting.map(|(row, _)| *row).collect();
                    if let (Some(first), Some(last)) = (rows.first(), rows.last())
                        && rows.len() >= RUN_MIN
                        && rows.len() as f64 >= FITS_SHARE * addresses.len() as f64
                    {
                        self.run = Some(Run {
                            first: *first,
                            last: *last,
                            fits: rows.len() as u64,
                        });
                    }
                }
                self.kept[kind as usize].add(&addresses, &forms);
            }
        }
        run.clear();
    }

    /// Adds those of the next batch, in file order.
    pub fn add(&mut self, next: &Slips) {
        self.judged += next.judged;
        for kind in STRANGE.map(|kind| kind as usize) {
            self.strange[kind] += next.strange[kind];
            self.kept[kind].add(&next.kept[kind].addresses, &next.kept[kind].forms);
        }
        self.run = self.run.or(next.run);
    }

    /// What is to be said of the file, as sentences without a full stop. `place` names a row to people.
    ///
    /// # Errors
    /// Those of `place`.
    pub fn findings<E>(
        &self,
        mut place: impl FnMut(RowNumber) -> Result<String, E>,
    ) -> Result<Vec<String>, E> {
        let [whole, first, last] = STRANGE.map(|kind| {
            let (all, fits) = self.kept[kind as usize].fits();
            let is_most = fits as f64 >= FITS_SHARE * all as f64;
            let is_chance = all > CHANCE_MAX && (fits as f64) < CHANCE_SHARE * self.judged as f64;
            (is_most && fits >= FITS_MIN && !is_chance).then_some(fits)
        });
        let mut found = Vec::new();
        if let Some(fits) = whole {
            found.push(format!(
                "{fits} of {} addresses fit the name in another row and not the one in their own; \
                    names and addresses seem to be shifted against each other",
                self.judged
            ));
        } else if let Some(run) = self.run {
            let (from, to) = (place(run.first)?, place(run.last)?);
            found.push(format!(
                "from {from} to {to}, {} addresses fit the name in another row and not the one in \
                    their own; names and addresses seem to be shifted against each other there",
                run.fits
            ));
        }
        for (kind, fits, name) in [
            (Strange::First, first, "first"),
            (Strange::Last, last, "last"),
        ] {
            let is_usual = self.strange[kind as usize] as f64 >= PART_SHARE * self.judged as f64;
            if let Some(fits) = fits.filter(|_| is_usual) {
                found.push(format!(
                    "{fits} of {} addresses have the {name} name of another row; the {name} names \
                        seem to be shifted against the other columns",
                    self.judged
                ));
            }
        }
        Ok(found)
    }
}

fn hash(strange: Strange, text: &str) -> u64 {
    xxh3_64_with_seed(text.as_bytes(), strange as u64)
}

/// A name as it is compared with addresses.
struct Name {
    words: Vec<String>,
    joined: String,
    /// Whether it is in ASCII now, as most addresses are.
    is_plain: bool,
}

impl Name {
    fn new(name: &str) -> Name {
        let words = words(name);
        Name {
            joined: words.concat(),
            is_plain: is_plain(&words),
            words,
        }
    }
}

fn is_plain(words: &[String]) -> bool {
    !words.is_empty() && words.iter().all(|word| word.is_ascii())
}

/// The names of a batch.
#[derive(Default)]
struct Names<'a> {
    distinct: Distinct<'a>,
    names: Vec<Name>,
}

impl<'a> Names<'a> {
    fn both(&mut self, [first, last]: [&'a str; 2]) -> [&Name; 2] {
        let (first, last) = (self.place(first), self.place(last));
        [&self.names[first], &self.names[last]]
    }

    fn place(&mut self, name: &'a str) -> usize {
        let (place, is_new) = self.distinct.place(name);
        if is_new {
            self.names.push(Name::new(name));
        }
        place
    }
}

/// Whether a local part is made of a name. `letters` is room for what is compared.
fn fit(local: &str, names: [&Name; 2], letters: &mut String) -> Fit {
    if local.is_empty() || !names[0].is_plain || !names[1].is_plain {
        return Fit::Unknown;
    }
    let digits = put_letters(local, letters);
    if letters.len() < 3 || digits > letters.len() || !letters.is_ascii() {
        return Fit::Unknown;
    }
    if is_usual(letters, names) {
        return Fit::Own;
    }
    let mut parts = words(local);
    for part in &mut parts {
        part.retain(|c| !c.is_ascii_digit());
    }
    match names.map(|name| seen(letters, &parts, name)) {
        [Some(_), Some(_)] => Fit::Own,
        [None, Some(rest)] if rest.len() > 2 => Fit::Not(Strange::First, rest),
        [Some(rest), None] if rest.len() > 2 => Fit::Not(Strange::Last, rest),
        [None, None] => {
            let own = hash(Strange::Whole, letters);
            if forms(names).contains(&(Strange::Whole, own)) {
                Fit::Own
            } else {
                Fit::Not(Strange::Whole, letters.clone())
            }
        }
        _ => Fit::Own,
    }
}

/// The usual addresses of a plain name, perhaps with a number: `jane.doe`, `doe.jane`, `jdoe`, `doej`,
/// `janed`, `doe`, `jane`.
fn fits_plainly(local: &[u8], [first, last]: [&[u8]; 2]) -> bool {
    if first.is_empty() || last.is_empty() {
        return false;
    }
    let digits = local.iter().rev().take_while(|byte| byte.is_ascii_digit());
    let letters = local.len() - digits.count();
    let local = match letters > local.len() / 2 {
        true => &local[..letters],
        false => local,
    };
    let begins = |text: &[u8], name: &[u8]| {
        text.len() >= name.len() && name.len() > 1 && text[..name.len()].eq_ignore_ascii_case(name)
    };
    let behind = |name: &[u8], other: &[u8]| {
        if !begins(local, name) {
            return false;
        }
        let rest = match &local[name.len()..] {
            [b'.' | b'_' | b'-', rest @ ..] => rest,
            rest => rest,
        };
        rest.len() < 2 || rest.eq_ignore_ascii_case(other)
    };
    let initial = |name: &[u8], other: &[u8]| {
        let rest = match local {
            [letter, b'.' | b'_' | b'-', rest @ ..] | [letter, rest @ ..]
                if other
                    .first()
                    .is_some_and(|initial| initial.eq_ignore_ascii_case(letter)) =>
            {
                rest
            }
            _ => return false,
        };
        name.len() > 1 && rest.eq_ignore_ascii_case(name)
    };
    behind(first, last) || behind(last, first) || initial(last, first)
}

/// Puts the [`words`] of an address into `letters`, joined and without their digits, and returns how many
/// digits these are.
fn put_letters(local: &str, letters: &mut String) -> usize {
    letters.clear();
    if !local.is_ascii() {
        letters.extend(words(local).iter().flat_map(|word| word.chars()));
        letters.retain(|c| !c.is_ascii_digit());
        return local.bytes().filter(u8::is_ascii_digit).count();
    }
    let (mut digits, mut before) = (0, b' ');
    for byte in local.bytes() {
        let byte = byte.to_ascii_lowercase();
        match byte {
            // `mueller`, which is compared as `muller`.
            b'e' if matches!(before, b'a' | b'o' | b'u') => continue,
            b'a'..=b'z' => letters.push(char::from(byte)),
            b'0'..=b'9' => digits += 1,
            b'\'' | b'`' => continue,
            _ => {}
        }
        before = byte;
    }
    digits
}

/// The usual addresses: both names, or one and an initial. This proves what [`seen`] finds, at less cost.
fn is_usual(letters: &str, [first, last]: [&Name; 2]) -> bool {
    let rest = |name: &Name| {
        let joined = name.joined.as_str();
        let is_there =
            joined.len() > 2 && (letters.starts_with(joined) || letters.ends_with(joined));
        is_there.then(|| letters.len() - joined.len())
    };
    match (rest(first), rest(last)) {
        (Some(_), Some(_)) => true,
        (Some(rest), None) | (None, Some(rest)) => rest <= 2,
        (None, None) => false,
    }
}

/// Whether an address shows one of the words of a name, and what else is in it then.
fn seen(whole: &str, parts: &[String], name: &Name) -> Option<String> {
    let words = name.words.iter().map(String::as_str);
    let candidates = std::iter::once(name.joined.as_str()).chain(words);
    for word in candidates {
        if word.len() >= 3
            && let Some(at) = whole.find(word)
        {
            return Some(format!("{}{}", &whole[..at], &whole[at + word.len()..]));
        }
        let is_part = |part: &&String| {
            part.as_str() == word
                || part.len() >= 3
                    && word.len() >= 3
                    && (word.starts_with(part.as_str()) || part.starts_with(word))
        };
        if let Some(part) = parts.iter().find(is_part) {
            let others = parts.iter().filter(|other| *other != part);
            return Some(others.map(String::as_str).collect());
        }
    }
    None
}

/// The hashes of what addresses of a name look like.
fn forms(names: [&Name; 2]) -> Vec<(Strange, u64)> {
    let [first, last] = names.map(|name| &name.words);
    let one_and_all = |words: &[String], one: Option<&String>| {
        let mut forms = vec![words.concat()];
        if words.len() > 1 {
            forms.extend(one.cloned());
        }
        forms.retain(|form| !form.is_empty());
        forms
    };
    let firsts = one_and_all(first, first.first());
    let lasts = one_and_all(last, last.last());
    let mut forms: Vec<(Strange, u64)> = Vec::with_capacity(10);
    let mut add = |strange: Strange, text: &str| {
        if text.len() > 2 {
            forms.push((strange, hash(strange, text)));
        }
    };
    let initial = |name: &str| name.chars().next().map(String::from).unwrap_or_default();
    for first in &firsts {
        for last in &lasts {
            let (f, l) = (initial(first), initial(last));
            for (a, b) in [
                (first, last),
                (last, first),
                (&f, last),
                (last, &f),
                (first, &l),
            ] {
                add(Strange::Whole, &format!("{a}{b}"));
            }
        }
    }
    // `jado`, `jadoe`, `jandoe`: the first letters of each.
    let begin = |name: &str, count: usize| name.get(..count).map(String::from);
    if let (Some(first), Some(last)) = (firsts.first(), lasts.first()) {
        for (of_first, of_last) in [(2, 2), (2, 3), (3, 2), (3, 3)] {
            if let (Some(f), Some(l)) = (begin(first, of_first), begin(last, of_last)) {
                add(Strange::Whole, &format!("{f}{l}"));
                add(Strange::Whole, &format!("{l}{f}"));
            }
        }
    }
    firsts.iter().for_each(|first| add(Strange::Whole, first));
    lasts.iter().for_each(|last| add(Strange::Whole, last));
    firsts.iter().for_each(|first| add(Strange::First, first));
    lasts.iter().for_each(|last| add(Strange::Last, last));
    forms
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::{Drafts, Slot, Table};

    const PEOPLE: [[&str; 3]; 8] = [
        ["Birte", "Fromm", "birte.fromm"],
        ["Thea", "Wulff", "thea.wulff"],
        ["Enno", "Kranz", "enno.kranz"],
        ["Jasper", "Müller", "jasper.mueller"],
        ["Mona", "Seidl", "mona.seidl"],
        ["Paul", "Adler", "paul.adler2"],
        ["Anna-Lena", "Groß", "anna-lena.gross"],
        ["Bo", "Li", "bo.li"],
    ];

    fn slips(rows: &[[String; 3]], size: usize) -> Slips {
        let layout = Layout::new(
            [Field::Email, Field::FirstName, Field::LastName]
                .map(Slot::Field)
                .to_vec(),
        );
        let mut all = Slips::default();
        let mut first_row = 0;
        for rows in rows.chunks(size) {
            let (mut values, mut keys) = (Table::new(3), Table::new(3));
            for [first, last, local] in rows {
                let email = if local.is_empty() {
                    String::new()
                } else {
                    format!("{local}@x.org")
                };
                [&email, first, last]
                    .iter()
                    .for_each(|value| values.push(value));
                ["", &email, ""].iter().for_each(|key| keys.push(key));
            }
            let drafts = Drafts {
                first_row,
                values,
                ..Drafts::default()
            };
            first_row += rows.len() as RowNumber;
            let people = People {
                drafts,
                keys,
                verdicts: vec![Verdict::Kept; rows.len()],
            };
            all.add(&Slips::of(&people, &layout));
        }
        all
    }

    fn findings(rows: &[[String; 3]]) -> Vec<String> {
        let place = |row: RowNumber| Ok::<_, ()>(format!("line {}", row + 2));
        slips(rows, 4096).findings(place).unwrap()
    }

    fn people() -> Vec<[String; 3]> {
        PEOPLE.map(|person| person.map(String::from)).to_vec()
    }

    /// Many people, each first name with each last name.
    fn many(local: impl Fn(&str, &str, usize) -> String) -> Vec<[String; 3]> {
        let lasts = [
            "Fromm", "Wulff", "Kranz", "Lauer", "Seidl", "Adler", "Okafor", "Nunez", "Weiss",
            "Tanaka",
        ];
        let firsts = [
            "Birte", "Thea", "Enno", "Jasper", "Mona", "Paul", "Ada", "Carlos", "Dmitri", "Eve",
        ];
        (0..100)
            .map(|number| {
                let (first, last) = (firsts[number % 10], lasts[(number / 10 + number) % 10]);
                [
                    first.to_string(),
                    last.to_string(),
                    local(&first.to_lowercase(), &last.to_lowercase(), number),
                ]
            })
            .collect()
    }

    #[test]
    fn a_column_that_moved_or_was_sorted_alone_is_found() {
        assert!(findings(&people()).is_empty());
        for column in 0..3 {
            let mut moved = people();
            let cells: Vec<String> = moved.iter().map(|row| row[column].clone()).collect();
            for (index, row) in moved.iter_mut().enumerate() {
                row[column].clone_from(&cells[(index + 1) % cells.len()]);
            }
            let found = findings(&moved);
            assert_eq!(found.len(), 1, "column {column}: {found:?}");
            let mut sorted = people();
            let mut cells = cells;
            cells.sort();
            for (row, cell) in sorted.iter_mut().zip(cells) {
                row[column] = cell;
            }
            assert_eq!(findings(&sorted).len(), 1, "column {column} sorted");
        }
    }

    #[test]
    fn a_cell_that_was_deleted_moves_only_those_below() {
        let mut rows = many(|first, last, _| format!("{first}.{last}"));
        let locals: Vec<String> = rows.iter().map(|row| row[2].clone()).collect();
        for index in 60..99 {
            rows[index][2].clone_from(&locals[index + 1]);
        }
        rows[99][2].clear();
        let found = findings(&rows);
        assert_eq!(found.len(), 1, "{found:?}");
        let mut rows = many(|first, last, number| {
            if number % 3 == 0 {
                format!("user{number}")
            } else {
                format!("{first}.{last}")
            }
        });
        let locals: Vec<String> = rows.iter().map(|row| row[2].clone()).collect();
        for (index, row) in rows.iter_mut().enumerate().take(52).skip(40) {
            let at = if index == 51 { 40 } else { index + 1 };
            row[2].clone_from(&locals[at]);
        }
        assert!(!findings(&rows).is_empty());
    }

    #[test]
    fn all_usual_forms_are_found_and_taken() {
        let initials: [fn(&str, &str) -> String; 6] = [
            |first, last| format!("{}.{last}", &first[..1]),
            |first, last| format!("{}{last}", &first[..1]),
            |first, last| format!("{last}{}", &first[..1]),
            |first, last| format!("{last}_{first}"),
            |first, last| format!("{first}{}", &last[..1]),
            |first, last| format!("{first}{last}7"),
        ];
        for form in initials {
            let right = many(|first, last, _| form(first, last));
            assert!(findings(&right).is_empty(), "{:?}", right[0]);
            let mut moved = right.clone();
            for index in 0..100 {
                moved[index][2].clone_from(&right[(index + 7) % 100][2]);
            }
            assert!(!findings(&moved).is_empty(), "{:?}", moved[0]);
        }
    }

    #[test]
    fn addresses_that_say_nothing_of_names_are_no_finding() {
        let handles = many(|_, _, number| format!("u{number}x"));
        assert!(findings(&handles).is_empty());
        let words =
            many(|_, _, number| ["coffee", "sailing", "blue.moon", "cats"][number % 4].to_string());
        assert!(findings(&words).is_empty());
        // Children with the address of a parent: of their last name, but of another first name.
        let parents = many(|_, last, number| {
            format!(
                "{}.{last}",
                ["ruth", "otto", "lisa", "karl", "thea"][number % 5]
            )
        });
        assert!(findings(&parents).is_empty(), "{:?}", findings(&parents));
        // Names that are no longer those of the addresses: three of a hundred.
        let married = many(|first, last, number| match number % 33 {
            0 => format!("{first}.maier"),
            _ => format!("{first}.{last}"),
        });
        assert!(findings(&married).is_empty());
    }

    #[test]
    fn what_is_found_does_not_hang_on_the_batches() {
        let mut rows = many(|first, last, _| format!("{first}.{last}"));
        rows.rotate_left(1);
        let locals: Vec<String> = rows.iter().map(|row| row[2].clone()).collect();
        for (index, row) in rows.iter_mut().enumerate() {
            row[2].clone_from(&locals[(index + 13) % 100]);
        }
        let place = |row: RowNumber| Ok::<_, ()>(row.to_string());
        let whole = slips(&rows, 4096).findings(place).unwrap();
        assert_eq!(whole, slips(&rows, 7).findings(place).unwrap());
        assert!(!whole.is_empty());
    }

    #[test]
    fn a_few_of_many_rows_with_the_address_of_somebody_else_are_no_slip() {
        let own = many(|first, last, _| format!("{first}.{last}"));
        let mut rows: Vec<[String; 3]> = own.iter().cycle().take(60_000).cloned().collect();
        let locals: Vec<String> = rows.iter().map(|row| row[2].clone()).collect();
        for (at, row) in rows.iter_mut().enumerate().step_by(149) {
            row[2].clone_from(&locals[(at * 7 + 31) % locals.len()]);
        }
        assert!(findings(&rows).is_empty(), "{:?}", findings(&rows));
        // More of them are one.
        for (at, row) in rows.iter_mut().enumerate().step_by(19) {
            row[2].clone_from(&locals[(at * 7 + 31) % locals.len()]);
        }
        assert_eq!(findings(&rows).len(), 1);
    }

    #[test]
    fn the_usual_addresses_are_those_that_show_the_name() {
        let people = [
            ("Anna-Lena", "Groß"),
            ("Jürgen", "Müller"),
            ("Paulo", "Evans"),
            ("Bo", "Li"),
        ];
        let locals = [
            "anna-lena.gross",
            "annagross7",
            "j.mueller",
            "juergen",
            "muellerj",
            "jmueller2024",
            "paulo.evans",
            "paul.o.evans",
            "pau1o.evans",
            "o'evans",
            "bo.li",
            "boli",
            "evans.family",
            "x.y",
            "1234567",
            "é.müller",
        ];
        let mut letters = String::new();
        for (first, last) in people {
            let names = [first, last].map(Name::new);
            for local in locals {
                let mut parts = words(local);
                parts
                    .iter_mut()
                    .for_each(|part| part.retain(|c| !c.is_ascii_digit()));
                let digits = put_letters(local, &mut letters);
                assert_eq!(letters, parts.concat(), "{local}");
                assert_eq!(digits, local.bytes().filter(u8::is_ascii_digit).count());
                let names = [&names[0], &names[1]];
                if letters.len() > 2 && is_usual(&letters, names) {
                    let shown = names.map(|name| seen(&letters, &parts, name));
                    let is_own = match shown {
                        [Some(_), Some(_)] => true,
                        [Some(rest), None] | [None, Some(rest)] => rest.len() <= 2,
                        [None, None] => false,
                    };
                    assert!(is_own, "{local} of {first} {last}");
                }
            }
        }
    }

    #[test]
    fn only_a_part_is_kept_of_many() {
        let mut kept = Kept::default();
        for number in 0..200_000_u64 {
            let hash = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
            kept.add(&[hash], &[hash]);
        }
        assert!(kept.forms.len() <= KEPT_MAX && kept.mask > 0);
        let (all, fits) = kept.fits();
        assert_eq!(all, fits);
        assert!((180_000..220_000).contains(&all), "{all}");
    }
}
