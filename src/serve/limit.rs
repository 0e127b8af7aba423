//! Rate limits: token buckets in memory, and which visitors count as the same client.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many buckets one limit keeps; some 100 bytes each.
const BUCKETS_MAX: usize = 20_000;

/// This many at once, and as many again in each period.
pub(crate) struct Limit<K> {
    burst: f64,
    per_second: f64,
    buckets: Mutex<HashMap<K, Bucket>>,
}

struct Bucket {
    level: f64,
    at: Instant,
}

impl<K: Hash + Eq + Clone> Limit<K> {
    /// `count` in every `period`, for each key.
    pub(crate) fn new(count: u32, period: Duration) -> Limit<K> {
        let burst = f64::from(count);
        Limit {
            burst,
            per_second: burst / period.as_secs_f64(),
            buckets: Mutex::new(HashMap::new()),
        }
    }

    /// Takes one, at the time `now`.
    ///
    /// # Errors
    /// When there is none left: after how many whole seconds there will be one.
    pub(crate) fn take(&self, key: K, now: Instant) -> Result<(), u64> {
        // A thread that panicked left numbers in there, nothing half done.
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= BUCKETS_MAX && !buckets.contains_key(&key) {
            self.make_room(&mut buckets, now);
        }
        let bucket = buckets.entry(key).or_insert(Bucket {
            level: self.burst,
            at: now,
        });
        bucket.level = self.level(bucket, now);
        bucket.at = now;
        if bucket.level >= 1.0 - 1e-9 {
            bucket.level -= 1.0;
            return Ok(());
        }
        // Less a microsecond, which is how far the sums of fractions may be off.
        let seconds = (1.0 - bucket.level) / self.per_second - 1e-6;
        Err(seconds.ceil().max(1.0) as u64)
    }

    /// Gives one back that was taken.
    pub(crate) fn give_back(&self, key: &K) {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get_mut(key) {
            bucket.level = (bucket.level + 1.0).min(self.burst);
        }
    }

    /// Whether none was taken that hasn't come back by the time `now`.
    pub(crate) fn is_full(&self, key: &K, now: Instant) -> bool {
        let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.get(key);
        bucket.is_none_or(|bucket| self.level(bucket, now) >= self.burst - 1e-9)
    }

    fn level(&self, bucket: &Bucket, now: Instant) -> f64 {
        let seconds = now.saturating_duration_since(bucket.at).as_secs_f64();
        (bucket.level + seconds * self.per_second).min(self.burst)
    }

    /// Keeps the emptier half: to forget a full bucket changes nothing, and to forget those that
    /// are nearly full lets nobody in who was shut out.
    fn make_room(&self, buckets: &mut HashMap<K, Bucket>, now: Instant) {
        let mut levels: Vec<(K, f64)> = buckets
            .iter()
            .map(|(key, bucket)| (key.clone(), self.level(bucket, now)))
            .collect();
        levels.sort_unstable_by(|left, right| right.1.total_cmp(&left.1));
        for (key, _) in levels.iter().take(BUCKETS_MAX / 2) {
            buckets.remove(key);
        }
    }
}

/// What represents a client: its IPv4 address, or the 64 bits of network that one IPv6 client
/// usually has to itself.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let bits = address.to_bits() >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from_bits(bits))
        }
        IpAddr::V4(address) => IpAddr::V4(address),
    }
}

/// The last address of `X-Forwarded-For`: the one that the nearest proxy wrote, and so the only
/// one that the client can't make up. With or without a port.
pub(crate) fn forwarded(value: &str) -> Option<IpAddr> {
    let last = value.rsplit(',').next()?.trim();
    let bare = last.trim_start_matches('[').trim_end_matches(']');
    bare.parse()
        .ok()
        .or_else(|| last.parse::<std::net::SocketAddr>().ok().map(|a| a.ip()))
}

#[cfg(test)]
mod tests {
    use super::{BUCKETS_MAX, Limit, forwarded, network};
    use std::net::IpAddr;
    use std::time::{Duration, Instant};

    #[test]
    fn a_limited_number_at_once_and_then_as_fast_as_the_bucket_fills() {
        let limit = Limit::new(10, Duration::from_mins(1));
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        for _ in 0..10 {
            assert_eq!(limit.take("a", at(0)), Ok(()));
        }
        assert_eq!(limit.take("a", at(0)), Err(6));
        assert_eq!(limit.take("b", at(0)), Ok(()));
        assert_eq!(limit.take("a", at(4)), Err(2));
        assert_eq!(limit.take("a", at(6)), Ok(()));
        assert_eq!(limit.take("a", at(6)), Err(6));
        // Never more than the bucket holds.
        for _ in 0..10 {
            assert_eq!(limit.take("a", at(3_600)), Ok(()));
        }
        assert!(limit.take("a", at(3_600)).is_err());
    }

    #[test]
    fn memory_is_bounded_and_whoever_is_shut_out_stays_so() {
        let limit = Limit::new(2, Duration::from_mins(10));
        let now = Instant::now();
        for _ in 0..2 {
            limit.take(0, now).unwrap();
        }
        for key in 1..3 * BUCKETS_MAX {
            limit.take(key, now).unwrap();
        }
        assert!(limit.buckets.lock().unwrap().len() <= BUCKETS_MAX);
        assert!(limit.take(0, now).is_err());
    }

    #[test]
    fn what_is_given_back_was_never_taken() {
        let limit = Limit::new(2, Duration::from_mins(1));
        let now = Instant::now();
        assert!(limit.is_full(&"a", now));
        limit.take("a", now).unwrap();
        assert!(!limit.is_full(&"a", now));
        limit.give_back(&"a");
        limit.give_back(&"a");
        assert!(limit.is_full(&"a", now));
        limit.take("a", now).unwrap();
        limit.take("a", now).unwrap();
        assert!(limit.take("a", now).is_err());
        assert!(limit.is_full(&"a", now + Duration::from_mins(1)));
    }

    #[test]
    fn one_client_is_one_network() {
        let same = |left: &str, right: &str| {
            let network = |text: &str| network(text.parse().unwrap());
            network(left) == network(right)
        };
        assert!(same("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"));
        assert!(!same("2001:db8:1:2::1", "2001:db8:1:3::1"));
        assert!(same("::ffff:192.0.2.1", "192.0.2.1"));
        assert!(!same("192.0.2.1", "192.0.2.2"));
    }

    #[test]
    fn only_the_nearest_proxy_is_believed() {
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        for (value, expected) in [
            ("192.0.2.1", Some("192.0.2.1")),
            ("198.51.100.9, 192.0.2.1", Some("192.0.2.1")),
            ("unknown,192.0.2.1:4711", Some("192.0.2.1")),
            ("[2001:db8::1]:80", Some("2001:db8::1")),
            ("2001:db8::1", Some("2001:db8::1")),
            ("192.0.2.1, unknown", None),
            ("", None),
        ] {
            assert_eq!(forwarded(value), expected.map(address), "{value}");
        }
    }
}
