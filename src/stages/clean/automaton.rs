//! Patterns of digits, matched in one step a digit, however many patterns there are.
//!
//! Supports only what libphonenumber's patterns use: digits, `\d`, `[1-5]`, `(?:…|…)`, `?`, `{2}`
//! and `{2,5}`. Steps are computed when digits first need them: a numbering plan has thousands, of
//! which a file uses few.

use std::collections::HashMap;

/// The state after which nothing can match any more.
const DEAD: u16 = 0;
const START: u16 = 1;
/// Is for a step that nobody took yet.
const UNKNOWN: u16 = u16::MAX;
/// This many states are kept; then they are forgotten, and worked out again.
const STATES_MAX: usize = 10_000;

/// Patterns, each with a tag from 0 to 31.
#[derive(Debug, Default)]
pub(super) struct Automaton {
    nodes: Vec<Node>,
    starts: Vec<u16>,
    states: Vec<State>,
    known: HashMap<Vec<u16>, u16>,
}

/// A place in the patterns.
#[derive(Debug)]
enum Node {
    /// One of these digits (a bit each), then that node.
    Digit(u16, u16),
    /// All of these nodes.
    Fork(Vec<u16>),
    /// The end of the pattern with that tag.
    End(u8),
}

/// The places that some digits lead to.
#[derive(Debug)]
struct State {
    /// The nodes of digits, in order.
    places: Vec<u16>,
    /// The tags of patterns that end here, a bit each.
    tags: u32,
    next: [u16; 10],
}

/// A pattern, taken apart.
enum Part {
    Digit(u16),
    Sequence(Vec<Part>),
    OneOf(Vec<Part>),
    Repeated(Box<Part>, usize, usize),
}

impl Automaton {
    /// The automaton of one pattern; of none where it is empty.
    pub(super) fn of(pattern: &str) -> Automaton {
        let mut automaton = Automaton::default();
        if !pattern.is_empty() {
            automaton.add(pattern, 0);
        }
        automaton
    }

    /// Adds a pattern.
    pub(super) fn add(&mut self, pattern: &str, tag: u8) {
        let end = self.node(Node::End(tag));
        let start = self.link(&one_of(&mut pattern.as_bytes()), end);
        self.starts.push(start);
        self.states.clear();
    }

    /// The tags of the patterns that all of the digits (ASCII) match, a bit each.
    pub(super) fn tags(&mut self, digits: &[u8]) -> u32 {
        if self.starts.is_empty() {
            return 0;
        }
        let mut state = self.start();
        for digit in digits {
            state = self.step(state, *digit);
            if state == DEAD {
                return 0;
            }
        }
        self.states[usize::from(state)].tags
    }

    /// How many digits of the longest beginning match that does.
    pub(super) fn prefix(&mut self, digits: &[u8]) -> Option<usize> {
        if self.starts.is_empty() {
            return None;
        }
        let mut state = self.start();
        let mut found = None;
        for length in 0..=digits.len() {
            if self.states[usize::from(state)].tags != 0 {
                found = Some(length);
            }
            match digits.get(length) {
                Some(digit) if state != DEAD => state = self.step(state, *digit),
                _ => break,
            }
        }
        found
    }

    fn start(&mut self) -> u16 {
        if self.states.is_empty() || self.states.len() > STATES_MAX {
            self.states.clear();
            self.known.clear();
            self.state_of(&[]);
            self.state_of(&self.starts.clone());
        }
        START
    }

    #[inline]
    fn step(&mut self, state: u16, digit: u8) -> u16 {
        let digit = usize::from(digit.wrapping_sub(b'0') % 10);
        match self.states[usize::from(state)].next[digit] {
            UNKNOWN => self.find_step(state, digit),
            next => next,
        }
    }

    fn find_step(&mut self, state: u16, digit: usize) -> u16 {
        let follows = |place: &u16| match &self.nodes[usize::from(*place)] {
            Node::Digit(digits, next) if digits & 1 << digit != 0 => Some(*next),
            _ => None,
        };
        let places = self.states[usize::from(state)].places.iter();
        let nodes: Vec<u16> = places.filter_map(follows).collect();
        let next = self.state_of(&nodes);
        self.states[usize::from(state)].next[digit] = next;
        next
    }

    /// The state that is at `nodes` and at all that these fork to.
    fn state_of(&mut self, nodes: &[u16]) -> u16 {
        let (mut places, mut tags) = (Vec::new(), 0);
        let mut waiting = nodes.to_vec();
        while let Some(node) = waiting.pop() {
            match &self.nodes[usize::from(node)] {
                Node::Digit(..) => places.push(node),
                Node::Fork(nodes) => waiting.extend_from_slice(nodes),
                Node::End(tag) => tags |= 1 << tag,
            }
        }
        places.sort_unstable();
        places.dedup();
        // Tags are distinguished by nodes that no digit has.
        let mut key = places.clone();
        key.extend([UNKNOWN, tags as u16, (tags >> 16) as u16]);
        let number = self.states.len() as u16;
        let next = if places.is_empty() { DEAD } else { UNKNOWN };
        *self.known.entry(key).or_insert_with(|| {
            self.states.push(State {
                places,
                tags,
                next: [next; 10],
            });
            number
        })
    }

    fn node(&mut self, node: Node) -> u16 {
        self.nodes.push(node);
        (self.nodes.len() - 1) as u16
    }

    /// The node at which `part` begins when `end` follows it.
    fn link(&mut self, part: &Part, end: u16) -> u16 {
        match part {
            Part::Digit(digits) => self.node(Node::Digit(*digits, end)),
            Part::Sequence(parts) => {
                let parts = parts.iter().rev();
                parts.fold(end, |end, part| self.link(part, end))
            }
            Part::OneOf(parts) => {
                let nodes = parts.iter().map(|part| self.link(part, end)).collect();
                self.node(Node::Fork(nodes))
            }
            Part::Repeated(part, least, most) => {
                let mut start = end;
                for _ in *least..*most {
                    let more = self.link(part, start);
                    start = self.node(Node::Fork(vec![more, end]));
                }
                (0..*least).fold(start, |start, _| self.link(part, start))
            }
        }
    }
}

/// Takes alternatives from the front of a pattern, up to its end or a `)`.
fn one_of(pattern: &mut &[u8]) -> Part {
    let mut alternatives = vec![Vec::new()];
    while let Some((first, rest)) = pattern.split_first() {
        if *first == b')' {
            break;
        }
        *pattern = rest;
        if *first == b'|' {
            alternatives.push(Vec::new());
            continue;
        }
        let part = match first {
            b'(' => {
                *pattern = pattern.strip_prefix(b"?:").unwrap_or(pattern);
                let inner = one_of(pattern);
                *pattern = pattern.strip_prefix(b")").unwrap_or(pattern);
                inner
            }
            b'[' => Part::Digit(class(pattern)),
            b'\\' => {
                *pattern = pattern.strip_prefix(b"d").unwrap_or(pattern);
                Part::Digit(0x3ff)
            }
            digit => Part::Digit(bit(*digit)),
        };
        let part = repeated(part, pattern);
        if let Some(sequence) = alternatives.last_mut() {
            sequence.push(part);
        }
    }
    Part::OneOf(alternatives.into_iter().map(Part::Sequence).collect())
}

/// Takes `1-35]`.
fn class(pattern: &mut &[u8]) -> u16 {
    let mut digits = 0;
    let mut before = b'0';
    while let Some((first, rest)) = pattern.split_first() {
        *pattern = rest;
        match first {
            b']' => break,
            b'-' => {
                let last = pattern.first().copied().unwrap_or(before);
                digits |= (before..=last).fold(0, |digits, digit| digits | bit(digit));
            }
            digit => {
                digits |= bit(*digit);
                before = *digit;
            }
        }
    }
    digits
}

/// Takes what says how often `part` is there.
fn repeated(part: Part, pattern: &mut &[u8]) -> Part {
    let (least, most) = match pattern.first() {
        Some(b'?') => {
            *pattern = &pattern[1..];
            (0, 1)
        }
        Some(b'{') => {
            let end = memchr::memchr(b'}', pattern).unwrap_or(pattern.len() - 1);
            let inside = String::from_utf8_lossy(&pattern[1..end]).into_owned();
            *pattern = &pattern[end + 1..];
            let (least, most) = inside.split_once(',').unwrap_or((&inside, &inside));
            (least.parse().unwrap_or(1), most.parse().unwrap_or(1))
        }
        _ => return part,
    };
    Part::Repeated(Box::new(part), least, most)
}

fn bit(digit: u8) -> u16 {
    1 << (digit.wrapping_sub(b'0') % 10)
}

#[cfg(test)]
impl Automaton {
    /// Digits that match one of the patterns, by what `draw` chooses among this many.
    pub(super) fn drawn(&self, mut draw: impl FnMut(usize) -> usize) -> String {
        let mut digits = String::new();
        if self.starts.is_empty() {
            return digits;
        }
        let mut node = self.starts[draw(self.starts.len())];
        loop {
            match &self.nodes[usize::from(node)] {
                Node::End(_) => return digits,
                Node::Fork(nodes) => node = nodes[draw(nodes.len())],
                Node::Digit(set, next) => {
                    let drawn = (0..10)
                        .map(|_| draw(10))
                        .find(|digit| set & 1 << digit != 0);
                    let digit = drawn.unwrap_or(set.trailing_zeros() as usize);
                    digits.push(char::from(b'0' + digit as u8));
                    node = *next;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_match_what_patterns_say() {
        let mut automaton = Automaton::default();
        automaton.add(r"1[2-47]\d{2}|9(?:0{1,3}|5)?", 0);
        automaton.add(r"9\d\d", 5);
        let cases = [
            ("1234", 1),
            ("1734", 1),
            ("1634", 0),
            ("123", 0),
            ("12345", 0),
            ("9", 1),
            ("95", 1),
            ("900", 33),
            ("9000", 1),
            ("90000", 0),
            ("999", 32),
            ("", 0),
        ];
        for _ in 0..2 {
            for (digits, tags) in cases {
                assert_eq!(automaton.tags(digits.as_bytes()), tags, "{digits}");
            }
        }
        let mut prefix = Automaton::of(r"0(?:1\d)?|180");
        let cases = [
            ("05", Some(1)),
            ("0123", Some(3)),
            ("1801", Some(3)),
            ("18", None),
            ("", None),
        ];
        for (digits, length) in cases {
            assert_eq!(prefix.prefix(digits.as_bytes()), length, "{digits}");
        }
        assert_eq!(Automaton::of("").prefix(b"0"), None);
    }
}
