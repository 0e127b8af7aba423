//! Numbering plans: the result of libphonenumber for a number in digits, without its regular
//! expressions, which cost more than all other cleaning together.
//!
//! The steps are those of its `parse` and `isValidNumber`, on digits alone; everything else is left
//! to the library ([`Unsure`]), so that the results are always those of the library.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::LazyLock;

use super::automaton::Automaton;

/// The plans; the file says what its columns are, and `numbering.py` makes it.
const TABLE: &str = include_str!("numbering.tsv");
/// The fewest and the most digits of a number within its country, as libphonenumber has them.
const DIGITS_MIN: usize = 2;
const DIGITS_MAX: usize = 17;
/// This many zeros at the front are counted in a way of the library's own.
const ZEROS: &[u8] = b"0000";
/// The region of numbers that belong to no country.
const NOWHERE: &str = "001";

/// Only the library can tell.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unsure;

/// The longest text that is looked at as a number, in characters.
pub(super) const PHONE_CHARS_MAX: usize = 64;

/// What [`super::phone::e164`] says of a text of digits and what parts them; anything else is
/// `Unsure`, and so are numbers whose national prefix is replaced by something.
///
/// # Errors
/// `Unsure`.
pub(super) fn e164(text: &str, country: Option<&str>) -> Result<Option<String>, Unsure> {
    let (digits, count, is_international) = digits_of(text).ok_or(Unsure)?;
    let digits = &digits[..count];
    // The shortest text that the library looks at has three, or two alone, which no country has.
    if count <= 2 {
        return Ok(None);
    }
    PLANS.with_borrow_mut(|plans| {
        let home = match country {
            Some(country) => plans.home(country)?,
            None => None,
        };
        if let Some(number) = plans.read(digits, is_international, home)? {
            return Ok(Some(number));
        }
        match text.trim_start_matches(['(', ' ']).starts_with("00") && count >= 5 {
            true => plans.read(&digits[2..], true, None),
            false => Ok(None),
        }
    })
}

/// The digits of a text that has nothing else after the first one but what parts digits, how many
/// they are, and whether a `+` comes before them.
fn digits_of(text: &str) -> Option<([u8; PHONE_CHARS_MAX], usize, bool)> {
    let mut digits = [0; PHONE_CHARS_MAX];
    let (mut count, mut is_international) = (0, false);
    if text.len() > PHONE_CHARS_MAX {
        return None;
    }
    for &byte in text.as_bytes() {
        match byte {
            b'0'..=b'9' => {
                digits[count] = byte;
                count += 1;
            }
            b'+' if count == 0 && !is_international => is_international = true,
            b' ' | b'-' | b'.' | b'/' | b'(' | b')' => {}
            // What comes before the number counts for nothing, unless it is a parameter (RFC 3966).
            b'!'..=b'~' if count == 0 && !is_international && !matches!(byte, b'+' | b';') => {}
            _ => return None,
        }
    }
    Some((digits, count, is_international))
}

/// The lines of [`TABLE`], split at tabs where they are needed.
static LINES: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let lines = TABLE.lines();
    lines.filter(|line| !line.starts_with('#')).collect()
});

thread_local! {
    /// Each thread has its own, so that none waits for another: automata grow as they are used.
    static PLANS: RefCell<Plans> = RefCell::new(Plans::new());
}

/// All plans, as far as they were needed.
struct Plans {
    /// By calling code: the lines that have it.
    codes: Vec<Range<usize>>,
    /// Regions, sorted, and their lines.
    homes: Vec<(&'static str, usize)>,
    /// By line.
    plans: Vec<Option<Box<Plan>>>,
}

/// What is known of the numbers of a region.
struct Plan {
    code: &'static str,
    /// Before a number of another country.
    abroad: Automaton,
    /// Before a number within the country.
    prefix: Automaton,
    /// The numbers in which something else takes its place.
    replaced: Automaton,
    /// What all its numbers begin with, where it shares its code.
    leading: Automaton,
    lengths: Lengths,
    /// How long numbers are that can only be called within an area.
    local_lengths: Lengths,
    /// Its numbers: tag 0 is what all are like, the others are the kinds.
    numbers: Automaton,
    kinds: Vec<Lengths>,
}

/// A set of lengths, a bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lengths(u32);

/// What the length of a number says.
#[derive(Debug, PartialEq, Eq)]
enum Fit {
    Possible,
    TooLong,
    No,
}

impl Lengths {
    fn of(list: &str) -> Lengths {
        let lengths = list.split(',').filter_map(|length| length.parse().ok());
        Lengths(lengths.fold(0, |set, length: u32| set | 1 << length))
    }

    fn has(self, length: usize) -> bool {
        length < 32 && self.0 & 1 << length != 0
    }

    fn is_none_or_has(self, length: usize) -> bool {
        self.0 == 0 || self.has(length)
    }
}

impl Plan {
    fn of(line: &'static str) -> Plan {
        let mut cells = line.split('\t');
        let mut next = || cells.next().unwrap_or_default();
        let (_, code, abroad, prefix) = (next(), next(), next(), next());
        let (replaced, leading) = (next(), next());
        let (lengths, local_lengths, general) = (next(), next(), next());
        let mut numbers = Automaton::default();
        numbers.add(general, 0);
        let mut kinds = Vec::new();
        for (number, kind) in cells.enumerate() {
            let (lengths, pattern) = kind.split_once(':').unwrap_or_default();
            numbers.add(pattern, 1 + number as u8);
            kinds.push(Lengths::of(lengths));
        }
        Plan {
            code,
            abroad: Automaton::of(abroad),
            prefix: Automaton::of(prefix),
            replaced: Automaton::of(replaced),
            leading: Automaton::of(leading),
            lengths: Lengths::of(lengths),
            local_lengths: Lengths::of(local_lengths),
            numbers,
            kinds,
        }
    }

    /// Whether the digits are like all numbers of the region, however many there may be.
    fn is_like_all(&mut self, digits: &[u8]) -> bool {
        self.numbers.tags(digits) & 1 != 0
    }

    /// Whether there can be such a number.
    fn is_valid(&mut self, digits: &[u8]) -> bool {
        let tags = self.numbers.tags(digits);
        let is_of = |(kind, lengths): (usize, &Lengths)| {
            tags & 2 << kind != 0 && lengths.is_none_or_has(digits.len())
        };
        tags & 1 != 0
            && self.lengths.is_none_or_has(digits.len())
            && self.kinds.iter().enumerate().any(is_of)
    }

    fn fit(&self, length: usize) -> Fit {
        let possible = self.lengths.0;
        if self.local_lengths.has(length) || possible == 0 {
            Fit::No
        } else if length > possible.ilog2() as usize {
            Fit::TooLong
        } else if self.lengths.has(length) {
            Fit::Possible
        } else {
            Fit::No
        }
    }

    /// The digits after the national prefix, unless they were a number with it only.
    fn without_prefix<'d>(&mut self, digits: &'d [u8]) -> Result<&'d [u8], Unsure> {
        if self.replaced.tags(digits) != 0 {
            return Err(Unsure);
        }
        let Some(length) = self.prefix.prefix(digits) else {
            return Ok(digits);
        };
        let rest = &digits[length..];
        let is_kept = self.is_like_all(digits) && !self.is_like_all(rest);
        Ok(if is_kept { digits } else { rest })
    }
}

impl Plans {
    fn new() -> Plans {
        let mut codes = vec![0..0; 1000];
        for (index, line) in LINES.iter().enumerate() {
            let code = line.split('\t').nth(1).map(str::parse::<usize>);
            if let Some(Ok(code)) = code {
                let start = if codes[code].is_empty() {
                    index
                } else {
                    codes[code].start
                };
                codes[code] = start..index + 1;
            }
        }
        let region = |line: &&'static str| line.split('\t').next().unwrap_or_default();
        let mut homes: Vec<_> = LINES.iter().map(region).zip(0..).collect();
        homes.sort_unstable();
        Plans {
            codes,
            homes,
            plans: LINES.iter().map(|_| None).collect(),
        }
    }

    fn plan(&mut self, index: usize) -> &mut Plan {
        self.plans[index].get_or_insert_with(|| Box::new(Plan::of(LINES[index])))
    }

    /// The plan of a country, by its ISO 3166 alpha-2 code; none where it has no own.
    fn home(&self, country: &str) -> Result<Option<usize>, Unsure> {
        if country.len() != 2 || !country.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(Unsure);
        }
        let found = self
            .homes
            .binary_search_by_key(&country, |(region, _)| region);
        Ok(found.ok().map(|at| self.homes[at].1))
    }

    /// The plans of the calling code that the digits begin with, and what is behind it.
    fn split_code<'d>(&self, digits: &'d [u8]) -> Option<(Range<usize>, &'d [u8])> {
        let mut code = 0;
        if digits.starts_with(b"0") {
            return None;
        }
        for (index, digit) in digits.iter().enumerate().take(3) {
            code = code * 10 + usize::from(digit - b'0');
            if !self.codes[code].is_empty() {
                return Some((self.codes[code].clone(), &digits[index + 1..]));
            }
        }
        None
    }

    /// One attempt to read digits as a number, as E.164.
    fn read(
        &mut self,
        digits: &[u8],
        is_international: bool,
        home: Option<usize>,
    ) -> Result<Option<String>, Unsure> {
        let Some((plan, digits)) = self.without_code(digits, is_international, home)? else {
            return Ok(None);
        };
        if LINES[plan].starts_with(NOWHERE) {
            return Err(Unsure);
        }
        let shorter = self.plan(plan).without_prefix(digits)?;
        let national = match self.plan(plan).fit(shorter.len()) {
            Fit::Possible | Fit::TooLong => shorter,
            Fit::No => digits,
        };
        if national.starts_with(ZEROS) {
            return Err(Unsure);
        }
        let is_fit = (DIGITS_MIN..=DIGITS_MAX).contains(&national.len());
        if !is_fit || !self.is_valid(plan, national) {
            return Ok(None);
        }
        let mut number = String::with_capacity(1 + 3 + DIGITS_MAX);
        number.push('+');
        number.push_str(self.plan(plan).code);
        number.extend(national.iter().map(|digit| char::from(*digit)));
        Ok(Some(number))
    }

    /// Which plan the digits are of, by the calling code that they begin with or by `home`, and the
    /// digits without the code.
    fn without_code<'d>(
        &mut self,
        mut digits: &'d [u8],
        has_plus: bool,
        home: Option<usize>,
    ) -> Result<Option<(usize, &'d [u8])>, Unsure> {
        let mut is_international = has_plus;
        if let Some(home) = home.filter(|_| !has_plus)
            && let Some(length) = self.plan(home).abroad.prefix(digits)
            && digits.get(length) != Some(&b'0')
        {
            digits = &digits[length..];
            is_international = true;
        }
        if is_international {
            // The library takes more than two digits for a number here.
            if digits.len() <= DIGITS_MIN {
                return Ok(None);
            }
            return match self.split_code(digits) {
                Some((plans, rest)) => Ok(Some((plans.start, rest))),
                None if has_plus && home.is_some() => Err(Unsure),
                None => Ok(None),
            };
        }
        let Some(home) = home else {
            return Ok(None);
        };
        let plan = self.plan(home);
        let Some(rest) = digits.strip_prefix(plan.code.as_bytes()) else {
            return Ok(Some((home, digits)));
        };
        let rest = plan.without_prefix(rest)?;
        let is_better = !plan.is_like_all(digits) && plan.is_like_all(rest);
        if !is_better && plan.fit(digits.len()) != Fit::TooLong {
            return Ok(Some((home, digits)));
        }
        let first = self
            .split_code(digits)
            .map_or(home, |(plans, _)| plans.start);
        Ok(Some((first, rest)))
    }

    /// Whether the number is one of the region among those of the same code that it belongs to.
    fn is_valid(&mut self, plan: usize, national: &[u8]) -> bool {
        let code = self.plan(plan).code.parse().unwrap_or(0);
        let regions: Range<usize> = self.codes[code].clone();
        let is_shared = regions.len() > 1;
        for region in regions {
            let plan = self.plan(region);
            let is_valid = plan.is_valid(national);
            if is_valid || is_shared && plan.leading.prefix(national).is_some() {
                return is_valid;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stages::clean::phone;

    /// Numbers that look as if they had been drawn.
    struct Lots(u64);

    impl Lots {
        fn below(&mut self, count: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 % count as u64) as usize
        }

        fn digits(&mut self, count: usize) -> String {
            (0..count)
                .map(|_| char::from(b'0' + self.below(10) as u8))
                .collect()
        }
    }

    /// A number of the plan's kinds, or nearly one.
    fn number(plan: &mut Plan, lots: &mut Lots) -> String {
        let like = plan.numbers.drawn(|count| lots.below(count));
        match lots.below(8) {
            0 => like[..lots.below(like.len().max(1))].to_string(),
            1 => format!("{like}{}", lots.below(10)),
            2 => {
                let count = lots.below(18);
                lots.digits(count)
            }
            _ => like,
        }
    }

    #[test]
    fn answers_are_those_of_the_library() {
        let lots = &mut Lots(88_172_645_463_325_252);
        let mut plans = Plans::new();
        let (mut sure, mut valid, mut all) = (0, 0, 0);
        for index in 0..LINES.len() {
            let region = LINES[index].split('\t').next().unwrap();
            let plan = plans.plan(index);
            for round in 0..400 {
                let national = number(plan, lots);
                let prefix = plan.prefix.drawn(|count| lots.below(count));
                let abroad = plan.abroad.drawn(|count| lots.below(count));
                let code = plan.code;
                let text = match round % 10 {
                    0 | 1 => format!("+{code} {national}"),
                    2 => format!("+{code} ({prefix}) {national}"),
                    3 => format!("00{code}-{national}"),
                    4 => format!("{abroad} {code}/{national}"),
                    5 => format!("{code}{national}"),
                    6 => format!("Tel. {prefix}{national}"),
                    7 => lots.digits(round % 19),
                    8 => format!("+{}", lots.digits(round % 19)),
                    _ => national,
                };
                for country in [Some(region), None, Some("DE"), Some("US")] {
                    all += 1;
                    if let Ok(answer) = e164(&text, country) {
                        sure += 1;
                        valid += usize::from(answer.is_some());
                        assert_eq!(
                            answer,
                            phone::by_library(&text, country),
                            "{text:?} in {country:?}"
                        );
                    }
                }
            }
        }
        assert!(
            sure > all * 9 / 10 && valid > all / 4,
            "{valid} {sure} {all}"
        );
    }

    #[test]
    fn the_table_is_of_the_library_s_version() {
        let version = TABLE.split_once("rlibphonenumber ").unwrap().1;
        let version = version.split_once(',').unwrap().0;
        let lock = include_str!("../../../Cargo.lock");
        let line = format!("name = \"rlibphonenumber\"\nversion = \"{version}\"");
        assert!(lock.contains(&line), "run numbering.py");
    }
}
