//! What cleaning does to values, a rule each.

macro_rules! rules {
    ($($variant:ident $name:literal $doc:literal)*) => {
        /// What cleaning did to a value.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Rule {
            $(#[doc = $doc] $variant,)*
        }

        impl Rule {
            /// Every rule, in the order of its bit in `Drafts::rules`; at most 32.
            pub const ALL: &[Rule] = &[$(Rule::$variant),*];

            /// The rule as written in reports.
            pub fn name(self) -> &'static str {
                match self { $(Rule::$variant => $name),* }
            }

            /// What it does, in a few plain words.
            pub fn title(self) -> &'static str {
                match self { $(Rule::$variant => $doc),* }
            }
        }
    };
}

rules! {
    TrimSpaces "trim_spaces" "white space at the ends was removed"
    CollapseSpaces "collapse_spaces" "several spaces became one"
    OddSpaces "odd_spaces" "no-break spaces, tabs, line breaks and the like became spaces"
    ControlCharacters "control_characters" "control characters were removed"
    InvisibleCharacters "invisible_characters" "invisible characters were removed"
    UnicodeNfc "unicode_nfc" "letters and their marks were composed (Unicode NFC)"
    EmailMailto "email_mailto" "`mailto:` was removed"
    EmailDisplayText "email_display_text" "the name around an address was removed"
    EmailDomainDot "email_domain_dot" "a full stop after an address was removed"
    EmailDomainCase "email_domain_case" "the part after the @ was put in lower case"
    NameSplit "name_split" "a full name was split into first and last name"
    PhoneE164 "phone_e164" "a phone number was written as E.164"
    CountryIso3166 "country_iso3166" "a country was written as its ISO 3166 code"
    LanguageBcp47 "language_bcp47" "a language was written as its BCP 47 tag"
    GroupList "group_list" "empty or repeated groups were dropped, and paths tidied"
    RoleCase "role_case" "a role was put in lower case"
    StatusWord "status_word" "a status was written as muster's word for it"
    DateIso8601 "date_iso8601" "a date was written as ISO 8601"
    NothingWord "nothing_word" "a word that means no value was removed"
    RoleList "role_list" "a list of roles was split"
    NameTitle "name_title" "titles such as `Dr.` were left out of first and last name"
    CountrySpelling "country_spelling" "a misspelled country was written as the code of the only one it can be"
    RoleWord "role_word" "a pipeline's word for a role was written as the role"
    BooleanWord "boolean_word" "a yes or no was written as `true` or `false`"
    NameParts "name_parts" "parts of a name in separate columns were joined"
    PasswordPhc "password_phc" "a password hash of another system was written as its PHC string"
    Unwrapped "unwrapped" "quotes and signs that mark a value as text were removed"
    GroupNotation "group_notation" "a list of groups in another notation, or with one group per line, was split"
    GroupComma "group_comma" "a comma stayed in a group, because the cell has other separators"
    EmailWidth "email_width" "full-width characters of an address became plain ones"
    WindowsSigns "windows_signs" "control characters became the characters that windows-1252 has in their place"
}

const _: () = assert!(Rule::ALL.len() <= 32);

/// A set of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rules(u32);

impl Rules {
    /// No rule.
    pub const NONE: Rules = Rules(0);

    /// The rules of a row, as `Drafts::rules` has them: bit `n` is rule `n`.
    pub fn from_bits(bits: u32) -> Rules {
        Rules(bits)
    }

    /// The set of one rule.
    pub fn of(rule: Rule) -> Rules {
        Rules(1 << rule as u8)
    }

    /// The set as bits.
    pub fn bits(self) -> u32 {
        self.0
    }

    /// Adds a rule.
    pub fn add(&mut self, rule: Rule) {
        self.0 |= 1 << rule as u8;
    }

    /// Adds all rules of another set.
    pub fn add_all(&mut self, other: Rules) {
        self.0 |= other.0;
    }

    /// The set without a rule.
    pub fn without(self, rule: Rule) -> Rules {
        Rules(self.0 & !(1 << rule as u8))
    }

    /// The rules in it, in order.
    pub fn iter(self) -> impl Iterator<Item = Rule> {
        Rule::ALL
            .iter()
            .copied()
            .filter(move |rule| self.0 & (1 << *rule as u8) != 0)
    }
}
