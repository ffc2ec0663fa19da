//! How often strangers are written down.
//!
//! Every refusal leaves an audit row, and a row costs disk for ever: without a bound, anyone who can open a connection
//! could fill the node's disk. So refusals of requests without a valid login draw on a bucket of their address and on one
//! that all strangers share. When either is empty the answer is 429, without a row, counted in the metrics. At worst all
//! strangers together write [`SHARED_PER_SECOND`] rows a second, below half a gigabyte a day.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Refusals of one address at once.
const BURST: f64 = 120.0;
/// Refusals of one address a second.
const PER_SECOND: f64 = 1.0;
/// Refusals of all strangers at once.
const SHARED_BURST: f64 = 600.0;
/// Refusals of all strangers a second.
const SHARED_PER_SECOND: f64 = 10.0;
/// Addresses that are remembered; beyond, only the shared bucket counts.
const ADDRESSES: usize = 8192;

/// The buckets.
pub(crate) struct Strangers(Mutex<Buckets>);

struct Buckets {
    shared: Bucket,
    addresses: HashMap<IpAddr, Bucket>,
}

#[derive(Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Bucket {
    fn refill(&mut self, now: Instant, burst: f64, per_second: f64) {
        let elapsed = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens = (self.tokens + elapsed * per_second).min(burst);
        self.at = now;
    }
}

impl Strangers {
    /// Full buckets.
    pub(crate) fn new(now: Instant) -> Self {
        let shared = Bucket { tokens: SHARED_BURST, at: now };
        Self(Mutex::new(Buckets { shared, addresses: HashMap::new() }))
    }

    /// Whether the next refusal of this address may be written down.
    pub(crate) fn admit(&self, peer: IpAddr, now: Instant) -> bool {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Buckets { shared, addresses } = &mut *buckets;
        shared.refill(now, SHARED_BURST, SHARED_PER_SECOND);
        let key = network(peer);
        if addresses.len() >= ADDRESSES && !addresses.contains_key(&key) {
            addresses.retain(|_, bucket| {
                bucket.refill(now, BURST, PER_SECOND);
                bucket.tokens < BURST
            });
        }
        let mut overflow = Bucket { tokens: BURST, at: now };
        let full = addresses.len() >= ADDRESSES && !addresses.contains_key(&key);
        let own = if full { &mut overflow } else { addresses.entry(key).or_insert(overflow) };
        own.refill(now, BURST, PER_SECOND);
        if own.tokens < 1.0 || shared.tokens < 1.0 {
            return false;
        }
        own.tokens -= 1.0;
        shared.tokens -= 1.0;
        true
    }
}

/// What one stranger can hold many of counts as one: a /64 of IPv6.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (!0_u128 << 64))),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn admitted(strangers: &Strangers, peer: IpAddr, now: Instant, tries: usize) -> usize {
        (0..tries).filter(|_| strangers.admit(peer, now)).count()
    }

    #[test]
    fn one_address_is_bounded_and_recovers() {
        let now = Instant::now();
        let strangers = Strangers::new(now);
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        assert_eq!(admitted(&strangers, one, now, 1000), 120);
        assert_eq!(admitted(&strangers, other, now, 10), 10, "another address is not punished for it");
        assert_eq!(admitted(&strangers, one, now + Duration::from_secs(5), 1000), 5);
    }

    #[test]
    fn all_strangers_together_are_bounded_however_many_addresses_they_have() {
        let now = Instant::now();
        let strangers = Strangers::new(now);
        let all = (0..100_000_u32).filter(|n| strangers.admit(IpAddr::from((n + 1).to_be_bytes()), now)).count();
        assert_eq!(all, 600);
        assert!(strangers.0.lock().unwrap().addresses.len() <= ADDRESSES);
    }

    #[test]
    fn a_network_of_ipv6_is_one_stranger() {
        let now = Instant::now();
        let strangers = Strangers::new(now);
        let host = |n: u16| IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, n]);
        assert_eq!((0..200).filter(|n| strangers.admit(host(*n), now)).count(), 120);
    }
}
