//! Made-up people who look like life, of any number, the same for the same seed.
//!
//! A row is a pure function of the seed and its number, so that ten million rows need no memory
//! and a row can be an exact duplicate of an earlier one without anybody remembering that one.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};
use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};

/// The header. Cells of a row are in this order.
pub const HEADER: [&str; 10] = [
    "external_id",
    "email",
    "first_name",
    "last_name",
    "phone",
    "country",
    "language",
    "organization",
    "groups",
    "start_date",
];
const EXTERNAL_ID: usize = 0;
const EMAIL: usize = 1;
const FIRST_NAME: usize = 2;
const LAST_NAME: usize = 3;
const PHONE: usize = 4;
const COUNTRY: usize = 5;
const ORGANIZATION: usize = 7;
const GROUPS: usize = 8;
const START_DATE: usize = 9;

/// The cells of one row, in the order of [`HEADER`].
pub type Cells = [String; HEADER.len()];

/// Which people are made.
#[derive(Debug, Clone, Copy)]
pub struct People {
    /// How many rows.
    pub rows: u64,
    /// Other seeds make other people.
    pub seed: u64,
    /// Share of rows with something wrong or untidy, from 0 to 1.
    pub dirt: f64,
    /// Leaves out names that Windows-1252 can't hold.
    pub latin_only: bool,
    /// Share of rows, from 0 to 1, whose organization and phone number differ from the same file
    /// without it; the seed says which ones.
    pub change: Option<(f64, u64)>,
}

/// How text files are written.
#[derive(Debug, Clone, Copy)]
pub struct Dialect {
    /// Between cells.
    pub delimiter: char,
    /// After rows.
    pub line_end: &'static str,
    /// UTF-16 is written with its byte order mark, the others without.
    pub encoding: &'static Encoding,
}

/// Where people come from: names in their own script and as they are in an address.
struct Culture {
    weight: u64,
    country: &'static str,
    country_name: &'static str,
    language: &'static str,
    /// In Windows-1252.
    latin: bool,
    calling_code: &'static str,
    /// National number; `#` is any digit. The first group is written after a 0 where it has one.
    phone: &'static str,
    trunk: &'static str,
    first: &'static [(&'static str, &'static str)],
    last: &'static [(&'static str, &'static str)],
}

#[rustfmt::skip]
const CULTURES: &[Culture] = &[
    Culture { weight: 22, country: "DE", country_name: "Germany", language: "de", latin: true, calling_code: "49", phone: "30 2#######", trunk: "0",
        first: &[("Anna", "anna"), ("Jürgen", "juergen"), ("Sabine", "sabine"), ("Lukas", "lukas"), ("Käthe", "kaethe"), ("Björn", "bjoern"), ("Mia", "mia"), ("Hans-Peter", "hans-peter"), ("Emilia", "emilia"), ("Paul", "paul"), ("Søren", "soeren"), ("Lena", "lena")],
        last: &[("Müller", "mueller"), ("Schmidt", "schmidt"), ("von der Heide", "vonderheide"), ("Weiß", "weiss"), ("Krüger", "krueger"), ("Hoffmann", "hoffmann"), ("Meyer-Landrut", "meyer-landrut"), ("Schäfer", "schaefer"), ("Koch", "koch"), ("Özdemir", "oezdemir"), ("Vogel", "vogel"), ("zu Sayn", "zusayn")] },
    Culture { weight: 20, country: "US", country_name: "United States", language: "en", latin: true, calling_code: "1", phone: "212 6######", trunk: "",
        first: &[("Emma", "emma"), ("Liam", "liam"), ("Olivia", "olivia"), ("Noah", "noah"), ("Ava", "ava"), ("Mary Jane", "maryjane"), ("William", "william"), ("DeShawn", "deshawn"), ("Zoë", "zoe"), ("Grace", "grace"), ("Ethan", "ethan"), ("Harper", "harper")],
        last: &[("Smith", "smith"), ("Johnson", "johnson"), ("O'Brien", "obrien"), ("McDonald", "mcdonald"), ("Nguyen", "nguyen"), ("Garcia", "garcia"), ("Washington", "washington"), ("Lee", "lee"), ("Van Buren", "vanburen"), ("Clark", "clark"), ("Young", "young"), ("St. James", "stjames")] },
    Culture { weight: 10, country: "GB", country_name: "United Kingdom", language: "en-GB", latin: true, calling_code: "44", phone: "20 79460###", trunk: "0",
        first: &[("Oliver", "oliver"), ("Amelia", "amelia"), ("Siân", "sian"), ("Harry", "harry"), ("Isla", "isla"), ("Rhys", "rhys"), ("Freya", "freya"), ("George", "george")],
        last: &[("Jones", "jones"), ("Taylor", "taylor"), ("Ap Rhys", "aprhys"), ("D'Arcy", "darcy"), ("Patel", "patel"), ("Khan", "khan"), ("Evans", "evans"), ("Fitzgerald", "fitzgerald")] },
    Culture { weight: 9, country: "FR", country_name: "France", language: "fr", latin: true, calling_code: "33", phone: "1 42######", trunk: "0",
        first: &[("Chloé", "chloe"), ("Lucas", "lucas"), ("Zoé", "zoe"), ("Jean-Luc", "jean-luc"), ("François", "francois"), ("Anaïs", "anais"), ("Hélène", "helene"), ("Théo", "theo")],
        last: &[("Dubois", "dubois"), ("L'Hermite", "lhermite"), ("Lefèvre", "lefevre"), ("de La Tour", "delatour"), ("Gaël", "gael"), ("Martin", "martin"), ("Bérenger", "berenger"), ("Rousseau", "rousseau")] },
    Culture { weight: 8, country: "ES", country_name: "Spain", language: "es", latin: true, calling_code: "34", phone: "91 4######", trunk: "",
        first: &[("María", "maria"), ("José", "jose"), ("Lucía", "lucia"), ("Íñigo", "inigo"), ("Carmen", "carmen"), ("Javier", "javier"), ("Begoña", "begona"), ("Martín", "martin")],
        last: &[("García López", "garcia"), ("Núñez", "nunez"), ("Fernández", "fernandez"), ("de la Cruz", "delacruz"), ("Muñoz", "munoz"), ("Peña", "pena"), ("Ibáñez", "ibanez"), ("Ruiz", "ruiz")] },
    Culture { weight: 5, country: "PL", country_name: "Poland", language: "pl", latin: false, calling_code: "48", phone: "22 5######", trunk: "",
        first: &[("Agnieszka", "agnieszka"), ("Łukasz", "lukasz"), ("Małgorzata", "malgorzata"), ("Michał", "michal"), ("Zofia", "zofia"), ("Jędrzej", "jedrzej")],
        last: &[("Kowalska", "kowalska"), ("Wiśniewski", "wisniewski"), ("Dąbrowska", "dabrowska"), ("Wójcik", "wojcik"), ("Żukowski", "zukowski"), ("Łęcka", "lecka")] },
    Culture { weight: 4, country: "VN", country_name: "Vietnam", language: "vi", latin: false, calling_code: "84", phone: "24 38######", trunk: "0",
        first: &[("Thị Ánh", "anh"), ("Văn Đức", "duc"), ("Quốc Bảo", "bao"), ("Ngọc Hân", "han"), ("Minh Tuấn", "tuan"), ("Thùy Dương", "duong")],
        last: &[("Nguyễn", "nguyen"), ("Trần", "tran"), ("Lê", "le"), ("Phạm", "pham"), ("Hoàng", "hoang"), ("Đặng", "dang")] },
    Culture { weight: 4, country: "SA", country_name: "Saudi Arabia", language: "ar", latin: false, calling_code: "966", phone: "11 46#####", trunk: "0",
        first: &[("فاطمة", "fatima"), ("محمد", "mohammed"), ("ليلى", "layla"), ("عبد الله", "abdullah"), ("نور", "nour"), ("يوسف", "yousef")],
        last: &[("الأنصاري", "alansari"), ("بن سعيد", "binsaeed"), ("الحربي", "alharbi"), ("القحطاني", "alqahtani"), ("الشمري", "alshammari"), ("حداد", "haddad")] },
    Culture { weight: 3, country: "IL", country_name: "Israel", language: "he", latin: false, calling_code: "972", phone: "3 51#####", trunk: "0",
        first: &[("נועה", "noa"), ("דוד", "david"), ("תמר", "tamar"), ("יוסף", "yosef"), ("מאיה", "maya"), ("איתי", "itai")],
        last: &[("כהן", "cohen"), ("לוי", "levi"), ("בן־דוד", "bendavid"), ("מזרחי", "mizrahi"), ("פרץ", "peretz"), ("אברהם", "avraham")] },
    Culture { weight: 4, country: "CN", country_name: "China", language: "zh", latin: false, calling_code: "86", phone: "10 62######", trunk: "0",
        first: &[("伟", "wei"), ("秀英", "xiuying"), ("娜", "na"), ("子涵", "zihan"), ("磊", "lei"), ("静", "jing")],
        last: &[("王", "wang"), ("李", "li"), ("欧阳", "ouyang"), ("张", "zhang"), ("刘", "liu"), ("陈", "chen")] },
    Culture { weight: 3, country: "JP", country_name: "Japan", language: "ja", latin: false, calling_code: "81", phone: "3 52######", trunk: "0",
        first: &[("陽翔", "haruto"), ("さくら", "sakura"), ("美咲", "misaki"), ("健太", "kenta"), ("ひなた", "hinata"), ("蓮", "ren")],
        last: &[("佐藤", "sato"), ("鈴木", "suzuki"), ("高橋", "takahashi"), ("渡邊", "watanabe"), ("小野寺", "onodera"), ("髙田", "takada")] },
    Culture { weight: 3, country: "UA", country_name: "Ukraine", language: "uk", latin: false, calling_code: "380", phone: "44 29#####", trunk: "0",
        first: &[("Олена", "olena"), ("Андрій", "andrii"), ("Софія", "sofiia"), ("Тарас", "taras"), ("Ірина", "iryna"), ("Їжакевич", "yizhak")],
        last: &[("Шевченко", "shevchenko"), ("Коваленко", "kovalenko"), ("Мельник", "melnyk"), ("Бондаренко", "bondarenko"), ("Ґалаґан", "galagan"), ("Лисенко", "lysenko")] },
    Culture { weight: 3, country: "GR", country_name: "Greece", language: "el", latin: false, calling_code: "30", phone: "21 03######", trunk: "",
        first: &[("Γιώργος", "giorgos"), ("Μαρία", "maria"), ("Ελένη", "eleni"), ("Νίκος", "nikos"), ("Κατερίνα", "katerina"), ("Ηλίας", "ilias")],
        last: &[("Παπαδόπουλος", "papadopoulos"), ("Νικολάου", "nikolaou"), ("Βλάχος", "vlachos"), ("Οικονόμου", "oikonomou"), ("Καραγιάννης", "karagiannis"), ("Δημητρίου", "dimitriou")] },
    Culture { weight: 2, country: "IN", country_name: "India", language: "hi", latin: false, calling_code: "91", phone: "98 1#######", trunk: "0",
        first: &[("प्रिया", "priya"), ("आरव", "aarav"), ("अनन्या", "ananya"), ("राहुल", "rahul"), ("दीपा", "deepa"), ("विवान", "vivaan")],
        last: &[("शर्मा", "sharma"), ("गुप्ता", "gupta"), ("सिंह", "singh"), ("पटेल", "patel"), ("अय्यर", "iyer"), ("वर्मा", "varma")] },
];

const ORGANIZATIONS: &[(&str, &str)] = &[
    ("Acme Industries", "acme-industries.com"),
    ("Universität Nordstadt", "uni-nordstadt.de"),
    ("Blue Harbor Logistics, Inc.", "blueharbor-logistics.com"),
    ("Société du Pont-Neuf", "pont-neuf-conseil.fr"),
    ("Hospital San Telmo", "hospital-santelmo.es"),
    ("Greenfield Schools Trust", "greenfield-schools.org.uk"),
    ("Kestrel & Sons", "kestrel-and-sons.co.uk"),
    ("Tanaka Precision K.K.", "tanaka-precision.co.jp"),
    ("Helios Energy", "helios-energy.eu"),
    ("Stadtwerke Altfurt", "stadtwerke-altfurt.de"),
];

const GROUPS_OF_LIFE: &[&str] = &[
    "Sales",
    "Sales/Inside",
    "Research",
    "Research/Materials",
    "People",
    "Operations",
    "Operations/Night shift",
    "Teachers",
    "Students/2026",
    "Students/2027",
    "Board",
    "Works council",
    "IT/Service desk",
    "IT/Network",
];

const TYPO_DOMAINS: &[&str] = &[
    "gmial.com",
    "gmail.con",
    "hotmial.com",
    "outlok.com",
    "yaho.com",
];

/// A small, well-mixed sequence of numbers (splitmix64, by S. Vigna, public domain).
pub struct Random(u64);

impl Random {
    /// The sequence of `seed`.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// True with that probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        ((self.next() >> 11) as f64 / (1u64 << 53) as f64) < probability
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }
}

impl Default for Dialect {
    /// UTF-8 with commas and LF.
    fn default() -> Dialect {
        Dialect {
            delimiter: ',',
            line_end: "\n",
            encoding: encoding_rs::UTF_8,
        }
    }
}

impl People {
    /// Writes row `index` (from 0) into `cells`.
    pub fn fill(&self, index: u64, cells: &mut Cells) {
        let mut random = self.random_of(index);
        if !random.chance(self.dirt) {
            return self.fill_clean(index, cells);
        }
        let kind = random.below(10);
        let earlier = random.below(index.max(1));
        match kind {
            0 | 1 if index > 0 => return self.fill(earlier, cells),
            _ => self.fill_clean(index, cells),
        }
        match kind {
            2 if index > 0 => {
                let mut other: Cells = Default::default();
                self.fill_clean(earlier, &mut other);
                cells[EMAIL] = std::mem::take(&mut other[EMAIL]);
            }
            3 => replace_in(&mut cells[EMAIL], "@", " at "),
            4 => cells[EMAIL].push_str(".."),
            5 => {
                let local = cells[EMAIL]
                    .split('@')
                    .next()
                    .unwrap_or_default()
                    .to_string();
                cells[EMAIL] = format!("{local}@{}", random.of(TYPO_DOMAINS));
            }
            6 => cells[LAST_NAME].clear(),
            7 => cells[PHONE] = "ext. 12".to_string(),
            _ => untidy(&mut random, cells),
        }
    }

    /// What row `index` would be without dirt.
    fn fill_clean(&self, index: u64, cells: &mut Cells) {
        cells.iter_mut().for_each(String::clear);
        let mut random = self.random_of(index);
        random.next();
        let culture = self.culture(&mut random);
        let (first, first_latin) = random.of(culture.first);
        let (last, last_latin) = random.of(culture.last);
        let (mut organization, domain) = random.of(ORGANIZATIONS);
        let mut phone = random.next();
        if let Some((share, seed)) = self.change
            && Random::new(seed ^ index.wrapping_mul(0xd1b5_4a32_d192_ed03)).chance(share)
        {
            organization = if organization == ORGANIZATIONS[0].0 {
                ORGANIZATIONS[1].0
            } else {
                ORGANIZATIONS[0].0
            };
            phone ^= 0x5555_5555_5555_5555;
        }
        let number = index + 1;
        let _ = write!(cells[EXTERNAL_ID], "{number:08}");
        let _ = write!(cells[EMAIL], "{first_latin}.{last_latin}{number}@{domain}");
        cells[FIRST_NAME].push_str(first);
        cells[LAST_NAME].push_str(last);
        write_phone(culture, phone, &mut cells[PHONE]);
        cells[COUNTRY].push_str(culture.country);
        cells[6].push_str(culture.language);
        cells[ORGANIZATION].push_str(organization);
        cells[GROUPS].push_str(random.of(GROUPS_OF_LIFE));
        if random.chance(0.3) {
            let second = random.of(GROUPS_OF_LIFE);
            if second != cells[GROUPS] {
                let _ = write!(cells[GROUPS], ";{second}");
            }
        }
        let (year, month, day) = (
            2008 + random.below(18),
            1 + random.below(12),
            1 + random.below(28),
        );
        let _ = write!(cells[START_DATE], "{year}-{month:02}-{day:02}");
    }

    fn random_of(&self, index: u64) -> Random {
        Random::new(Random::new(self.seed).next() ^ index.wrapping_mul(0xa076_1d64_78bd_642f))
    }

    fn culture(&self, random: &mut Random) -> &'static Culture {
        let wanted = |culture: &&Culture| culture.latin || !self.latin_only;
        let total = CULTURES
            .iter()
            .filter(wanted)
            .map(|culture| culture.weight)
            .sum();
        let mut left = random.below(total);
        for culture in CULTURES.iter().filter(wanted) {
            if left < culture.weight {
                return culture;
            }
            left -= culture.weight;
        }
        &CULTURES[0]
    }

    /// Writes all rows, below the header, as text.
    ///
    /// # Errors
    /// What `out` fails with.
    pub fn write_csv(&self, out: &mut impl Write, dialect: Dialect) -> io::Result<()> {
        let mut cells: Cells = Default::default();
        let mut line = String::new();
        if [UTF_16LE, UTF_16BE].contains(&dialect.encoding) {
            line.push('\u{feff}');
        }
        push_line(&mut line, HEADER.iter().copied(), dialect);
        write_encoded(out, &line, dialect.encoding)?;
        for index in 0..self.rows {
            self.fill(index, &mut cells);
            line.clear();
            push_line(&mut line, cells.iter().map(String::as_str), dialect);
            write_encoded(out, &line, dialect.encoding)?;
        }
        Ok(())
    }

    /// Writes all rows as a workbook of one sheet, with real dates.
    ///
    /// # Errors
    /// What the workbook writer fails with, such as more rows than a sheet holds.
    pub fn write_xlsx(&self, path: &Path) -> Result<(), XlsxError> {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet_with_constant_memory()?;
        sheet.set_name("People")?;
        let mut cells: Cells = Default::default();
        write_sheet_row(sheet, 0, HEADER.iter().copied())?;
        for index in 0..self.rows {
            self.fill(index, &mut cells);
            write_sheet_row(sheet, index as u32 + 1, cells.iter().map(String::as_str))?;
        }
        workbook.save(path)
    }
}

/// What a cell becomes that a person types into a sheet: ISO dates are dates, numbers that don't begin
/// with 0 are numbers, everything else is text.
pub enum SheetCell<'c> {
    /// As it is.
    Text(&'c str),
    /// A whole number.
    Number(u32),
    /// Days since 1899-12-30.
    Date(u32),
}

impl<'c> SheetCell<'c> {
    /// What `cell` becomes.
    pub fn of(cell: &'c str) -> SheetCell<'c> {
        let is_number = (1..=9).contains(&cell.len())
            && !cell.starts_with('0')
            && cell.bytes().all(|byte| byte.is_ascii_digit());
        match (cell.parse(), days(cell)) {
            (Ok(number), _) if is_number => SheetCell::Number(number),
            (_, Some(days)) => SheetCell::Date(days),
            _ => SheetCell::Text(cell),
        }
    }
}

/// Writes the cells of a row as a person would have typed them into a sheet.
///
/// # Errors
/// What the workbook writer fails with.
pub fn write_sheet_row<'a>(
    sheet: &mut Worksheet,
    row: u32,
    cells: impl Iterator<Item = &'a str>,
) -> Result<(), XlsxError> {
    let format = Format::new().set_num_format("yyyy-mm-dd");
    for (column, cell) in cells.enumerate() {
        let column = column as u16;
        match SheetCell::of(cell) {
            SheetCell::Number(number) => sheet.write_number(row, column, number)?,
            SheetCell::Date(days) => sheet.write_number_with_format(row, column, days, &format)?,
            SheetCell::Text("") => continue,
            SheetCell::Text(text) => sheet.write_string(row, column, text)?,
        };
    }
    Ok(())
}

/// The days from 1899-12-30 to an ISO date, as sheets count them.
fn days(cell: &str) -> Option<u32> {
    let bytes = cell.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let number = |from: usize, to: usize| cell.get(from..to)?.parse::<u32>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let last = match month {
        2 => 28 + u32::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if !(1901..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=last).contains(&day) {
        return None;
    }
    // Years that begin with March have their leap day at the end.
    let (year, month) = if month < 3 {
        (year - 1, month + 9)
    } else {
        (year, month - 3)
    };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day;
    Some(days - 693_900)
}

fn push_line<'a>(line: &mut String, cells: impl Iterator<Item = &'a str>, dialect: Dialect) {
    for (column, cell) in cells.enumerate() {
        if column > 0 {
            line.push(dialect.delimiter);
        }
        if cell.contains([dialect.delimiter, '"', '\r', '\n']) {
            line.push('"');
            line.push_str(&cell.replace('"', "\"\""));
            line.push('"');
        } else {
            line.push_str(cell);
        }
    }
    line.push_str(dialect.line_end);
}

fn write_encoded(out: &mut impl Write, text: &str, encoding: &'static Encoding) -> io::Result<()> {
    let to_bytes = match encoding {
        encoding if encoding == UTF_16LE => u16::to_le_bytes,
        encoding if encoding == UTF_16BE => u16::to_be_bytes,
        _ => return out.write_all(&encoding.encode(text).0),
    };
    let bytes: Vec<u8> = text.encode_utf16().flat_map(to_bytes).collect();
    out.write_all(&bytes)
}

/// A number that libphonenumber takes for valid, written in one of the ways that people write it.
fn write_phone(culture: &Culture, mut random: u64, out: &mut String) {
    let style = random % 10;
    random /= 10;
    match style {
        0..=5 => {
            let _ = write!(out, "+{} ", culture.calling_code);
        }
        6 if !["US", "JP"].contains(&culture.country) => {
            let _ = write!(out, "00{} ", culture.calling_code);
        }
        _ => out.push_str(culture.trunk),
    }
    for symbol in culture.phone.chars() {
        if symbol == '#' {
            let _ = write!(out, "{}", random % 10);
            random /= 10;
        } else {
            out.push(symbol);
        }
    }
}

/// The same person, typed by somebody in a hurry.
fn untidy(random: &mut Random, cells: &mut Cells) {
    cells[FIRST_NAME].insert(0, ' ');
    cells[LAST_NAME].push_str(random.of(&["  ", "\u{a0}", "\t"]));
    if let Some((local, domain)) = cells[EMAIL].split_once('@') {
        cells[EMAIL] = format!(" {local}@{}", domain.to_uppercase());
    }
    if let Some(culture) = CULTURES
        .iter()
        .find(|culture| culture.country == cells[COUNTRY])
    {
        cells[COUNTRY] = culture.country_name.to_string();
    }
    cells[GROUPS] = cells[GROUPS].replace(';', " ; ");
}

fn replace_in(text: &mut String, from: &str, to: &str) {
    *text = text.replace(from, to);
}
