//! Counts of everybody, which take long where there are many, kept for a short while.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::refusal::Result;

/// A count is used again for this many times the time that it took: whoever reads, and however often, a
/// count never takes more than a twentieth of one core.
const WORTH: u32 = 20;
/// The longest time that a count is used for.
const AGE_MAX: Duration = Duration::from_secs(10);
/// The same for a count of a state of the database that is known.
const STATE_AGE_MAX: Duration = Duration::from_mins(5);
/// What the keys of such counts begin with.
const OF_STATE: char = '=';
/// How many different counts are kept.
const KEPT_MAX: usize = 500;

/// A count with its end, or the place for one that is under way.
#[derive(Default)]
struct Kept {
    value: Option<Box<dyn Any + Send>>,
    until: Option<Instant>,
}

/// The counts of a console, by what they count.
#[derive(Default)]
pub(super) struct Counts {
    kept: Mutex<HashMap<String, Arc<Mutex<Kept>>>>,
}

impl Counts {
    /// What `count` gives, or gave a moment ago. Two requests for the same count wait for one.
    ///
    /// # Errors
    /// Those of `count`.
    pub(super) fn get<T: Clone + Send + 'static>(
        &self,
        key: &str,
        count: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        self.get_within(key, |took| (took * WORTH).min(AGE_MAX), count)
    }

    /// The same for a count that stays what it is as long as `state` does, such as the number of the
    /// newest line of the audit.
    ///
    /// # Errors
    /// Those of `count`.
    pub(super) fn get_of<T: Clone + Send + 'static>(
        &self,
        (key, state): (&str, i64),
        count: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        self.get_within(
            &format!("{OF_STATE}{state} {key}"),
            |_| STATE_AGE_MAX,
            count,
        )
    }

    fn get_within<T: Clone + Send + 'static>(
        &self,
        key: &str,
        age: impl FnOnce(Duration) -> Duration,
        count: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let place = Arc::clone(self.kept().entry(key.to_string()).or_default());
        let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
        let is_fresh = place.until.is_some_and(|until| Instant::now() < until);
        let value = place.value.as_ref().filter(|_| is_fresh);
        if let Some(value) = value.and_then(|value| value.downcast_ref::<T>()) {
            return Ok(value.clone());
        }
        let begun = Instant::now();
        let value = count()?;
        place.until = Some(Instant::now() + age(begun.elapsed()));
        place.value = Some(Box::new(value.clone()));
        Ok(value)
    }

    /// Forgets all but those of a known state, as after something was changed here.
    pub(super) fn clear(&self) {
        self.kept().retain(|key, _| key.starts_with(OF_STATE));
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<String, Arc<Mutex<Kept>>>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::issue::Code;
    use crate::refusal::Refusal;

    #[test]
    fn a_count_that_took_long_is_used_again_and_forgotten_when_asked() {
        let counts = Counts::default();
        let slow = |value: u64| {
            move || {
                std::thread::sleep(Duration::from_millis(30));
                Ok(value)
            }
        };
        assert_eq!(counts.get("people", slow(1)).unwrap(), 1);
        assert_eq!(counts.get("people", slow(2)).unwrap(), 1);
        assert_eq!(counts.get("groups", slow(3)).unwrap(), 3);
        assert_eq!(counts.get_of(("run", 7), slow(5)).unwrap(), 5);
        counts.clear();
        assert_eq!(counts.get("people", slow(4)).unwrap(), 4);
        assert_eq!(counts.get_of(("run", 7), slow(6)).unwrap(), 5);
        assert_eq!(counts.get_of(("run", 8), slow(6)).unwrap(), 6);
    }

    #[test]
    fn a_count_that_failed_is_tried_again() {
        let counts = Counts::default();
        let failed = counts.get::<u64>("people", || {
            Err(Refusal::new(
                Code::DatabaseUnreachable,
                "the database is away",
            ))
        });
        assert!(failed.is_err());
        assert_eq!(counts.get("people", || Ok(5)).unwrap(), 5);
    }
}
