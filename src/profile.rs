//! What the rows of a run look like, taken together. A profile only counts and contains no personal
//! values. Mail domains are named only if several people share them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::field::Field;
use crate::row::{Drafts, Layout, Slot};

/// Values are sorted into this many drawers by their hash. Two columns with the same values fill
/// them alike, and a column of one value fills one; a single value can't be distinguished from it.
pub(crate) const DRAWERS: usize = 32;

/// The most mail domains that a profile names, those with most people first, and the fewest people
/// of one.
const DOMAINS_MAX: usize = 20;
const DOMAIN_PEOPLE_MIN: u64 = 5;

/// Domains are counted up to this many different ones; the rest is only summed up.
const DOMAINS_COUNTED: usize = 2000;

/// What the rows of a run look like, taken together.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// All rows.
    pub rows: u64,
    /// By field, or name of the attribute.
    pub columns: BTreeMap<String, Column>,
    /// People by mail domain; the largest.
    pub domains: BTreeMap<String, u64>,
}

/// What the cells of one column look like.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Cells with something in them.
    pub filled: u64,
    /// Of these, by kind of value.
    pub kinds: [u64; 4],
    /// Of these, by hash.
    pub spread: [u64; DRAWERS],
}

/// What a value is, at a glance.
pub(crate) const KINDS: [&str; 4] = ["addresses", "numbers", "words", "codes"];

fn kind(value: &str) -> usize {
    if value.contains('@') {
        return 0;
    }
    let has_digit = value.bytes().any(|byte| byte.is_ascii_digit());
    match (has_digit, value.chars().any(char::is_alphabetic)) {
        (true, false) => 1,
        (true, true) => 3,
        _ => 2,
    }
}

impl Profile {
    /// The profile of a batch.
    pub fn of(drafts: &Drafts, layout: &Layout) -> Profile {
        let mut profile = Profile {
            rows: drafts.values.len() as u64,
            ..Profile::default()
        };
        for (slot, name) in layout.slots().iter().enumerate() {
            if matches!(name, Slot::Ignored(_)) {
                continue;
            }
            let mut column = Column::default();
            let is_email = *name == Slot::Field(Field::Email);
            for index in 0..drafts.values.len() {
                let value = drafts.values.get(index, slot);
                if value.is_empty() {
                    continue;
                }
                column.filled += 1;
                column.kinds[kind(value)] += 1;
                column.spread[xxh3_64(value.as_bytes()) as usize % DRAWERS] += 1;
                if let Some((_, domain)) = value.rsplit_once('@').filter(|_| is_email) {
                    profile.count_domain(domain, 1);
                }
            }
            profile.columns.insert(name.name().to_string(), column);
        }
        profile
    }

    fn count_domain(&mut self, domain: &str, people: u64) {
        if let Some(count) = self.domains.get_mut(domain) {
            *count += people;
        } else if self.domains.len() < DOMAINS_COUNTED {
            self.domains.insert(domain.to_string(), people);
        }
    }

    /// Adds the rows of a later batch.
    pub fn add(&mut self, other: Profile) {
        self.rows += other.rows;
        for (name, more) in other.columns {
            let column = self.columns.entry(name).or_default();
            column.filled += more.filled;
            let counts = column.kinds.iter_mut().zip(more.kinds);
            counts.for_each(|(sum, count)| *sum += count);
            let counts = column.spread.iter_mut().zip(more.spread);
            counts.for_each(|(sum, count)| *sum += count);
        }
        for (domain, people) in other.domains {
            self.count_domain(&domain, people);
        }
    }

    /// What of it may be kept in a summary: no domain of a few people.
    pub fn kept(mut self) -> Profile {
        let mut domains: Vec<(String, u64)> = std::mem::take(&mut self.domains)
            .into_iter()
            .filter(|(_, people)| *people >= DOMAIN_PEOPLE_MIN)
            .collect();
        domains.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        domains.truncate(DOMAINS_MAX);
        self.domains = domains.into_iter().collect();
        self
    }
}
