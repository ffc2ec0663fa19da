//! How often logins are tried: buckets of tokens in memory, by who tries.
//!
//! An address pays for every challenge and every answer. A certificate and an organisation pay only for answers whose signature holds:
//! otherwise whoever has seen somebody's certificate could lock them out. So does an address for people whom their first login enrols. Each process of a node has its own buckets, and one that
//! starts anew begins with full ones.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use schemas::Edrpou;

/// How many at once, and how many a second on average.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// At once after a pause.
    pub burst: f64,
    /// A second.
    pub per_second: f64,
}

/// The bounds on logins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LoginRates {
    /// Challenges and answers of one address, or one /64 of IPv6. An office has many people behind one address.
    pub address: Rate,
    /// Logins with one certificate.
    pub certificate: Rate,
    /// Logins in the name of one organisation.
    pub participant: Rate,
    /// People whom their first login enrols, of one address.
    pub enrolment: Rate,
}

impl Default for LoginRates {
    fn default() -> Self {
        Self {
            address: Rate { burst: 200.0, per_second: 2.0 },
            certificate: Rate { burst: 10.0, per_second: 0.1 },
            participant: Rate { burst: 200.0, per_second: 5.0 },
            enrolment: Rate { burst: 60.0, per_second: 0.5 },
        }
    }
}

/// Buckets of one kind that are remembered. What comes beyond shares one.
const BUCKETS: usize = 8192;

/// Between two searches for buckets that are full again: each looks through all.
const SWEEP: Duration = Duration::from_secs(1);

/// All buckets.
pub(crate) struct Throttle {
    addresses: Buckets<IpAddr>,
    certificates: Buckets<[u8; 32]>,
    participants: Buckets<Edrpou>,
    enrolments: Buckets<IpAddr>,
}

impl Throttle {
    pub(crate) fn new(rates: &LoginRates, now: Instant) -> Self {
        Self {
            addresses: Buckets::new(rates.address, now),
            certificates: Buckets::new(rates.certificate, now),
            participants: Buckets::new(rates.participant, now),
            enrolments: Buckets::new(rates.enrolment, now),
        }
    }

    /// Whether the address may go on.
    pub(crate) fn address(&self, peer: IpAddr, now: Instant) -> bool {
        self.addresses.take(network(peer), now)
    }

    /// Whether one more person may be enrolled from the address.
    pub(crate) fn enrolment(&self, peer: IpAddr, now: Instant) -> bool {
        self.enrolments.take(network(peer), now)
    }

    /// Whether the holder of this certificate, acting for this organisation, may log in once more.
    pub(crate) fn signer(&self, certificate: [u8; 32], organisation: Option<Edrpou>, now: Instant) -> bool {
        self.certificates.take(certificate, now)
            && organisation.is_none_or(|edrpou| self.participants.take(edrpou, now))
    }
}

/// What one stranger can hold many of counts as one: a /64 of IPv6.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (!0_u128 << 64))),
        v4 => v4,
    }
}

struct Buckets<K> {
    rate: Rate,
    kept: Mutex<Kept<K>>,
}

struct Kept<K> {
    own: HashMap<K, Bucket>,
    shared: Bucket,
    /// When full buckets were last looked for.
    swept_at: Instant,
}

#[derive(Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Bucket {
    fn refill(&mut self, rate: Rate, now: Instant) {
        let elapsed = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens = (self.tokens + elapsed * rate.per_second).min(rate.burst);
        self.at = now;
    }

    fn take(&mut self, rate: Rate, now: Instant) -> bool {
        self.refill(rate, now);
        let there = self.tokens >= 1.0;
        if there {
            self.tokens -= 1.0;
        }
        there
    }
}

impl<K: Eq + Hash> Buckets<K> {
    fn new(rate: Rate, now: Instant) -> Self {
        let shared = Bucket { tokens: rate.burst, at: now };
        Self { rate, kept: Mutex::new(Kept { own: HashMap::new(), shared, swept_at: now }) }
    }

    fn take(&self, key: K, now: Instant) -> bool {
        let rate = self.rate;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Kept { own, shared, swept_at } = &mut *kept;
        let mut is_full = own.len() >= BUCKETS && !own.contains_key(&key);
        if is_full && now.saturating_duration_since(*swept_at) >= SWEEP {
            *swept_at = now;
            own.retain(|_, bucket| {
                bucket.refill(rate, now);
                bucket.tokens < rate.burst
            });
            is_full = own.len() >= BUCKETS;
        }
        if is_full {
            return shared.take(rate, now);
        }
        own.entry(key).or_insert(Bucket { tokens: rate.burst, at: now }).take(rate, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATES: LoginRates = LoginRates {
        address: Rate { burst: 5.0, per_second: 1.0 },
        certificate: Rate { burst: 3.0, per_second: 0.5 },
        participant: Rate { burst: 4.0, per_second: 1.0 },
        enrolment: Rate { burst: 2.0, per_second: 1.0 },
    };

    #[test]
    fn an_address_a_certificate_and_an_organisation_are_bounded_and_recover() {
        let now = Instant::now();
        let throttle = Throttle::new(&RATES, now);
        let address =
            |octet: u8, now| (0..100).filter(|_| throttle.address(IpAddr::from([192, 0, 2, octet]), now)).count();
        assert_eq!((address(1, now), address(2, now)), (5, 5), "another address is not punished for it");
        assert_eq!(address(1, now + Duration::from_secs(2)), 2);
        let organisation: Edrpou = "00000001".parse().unwrap();
        let signer = |octet: u8| (0..100).filter(|_| throttle.signer([octet; 32], Some(organisation), now)).count();
        assert_eq!((signer(1), signer(2)), (3, 1), "the fourth of the organisation is its last");
        assert!(throttle.signer([3; 32], None, now), "who acts for nobody is not its concern");
        let peer = IpAddr::from([192, 0, 2, 3]);
        assert_eq!((0..100).filter(|_| throttle.enrolment(peer, now)).count(), 2);
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let now = Instant::now();
        let throttle = Throttle::new(&RATES, now);
        let host = |n: u16| IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, n]);
        assert_eq!((0..100).filter(|n| throttle.address(host(*n), now)).count(), 5);
        let mapped = "::ffff:192.0.2.1".parse().unwrap();
        let ways = [IpAddr::from([192, 0, 2, 1]), mapped];
        assert_eq!((0..10).filter(|n| throttle.address(ways[n % 2], now)).count(), 5, "two ways to write one address");
    }

    #[test]
    fn many_addresses_fill_no_memory_and_share_what_is_left() {
        let now = Instant::now();
        let throttle = Throttle::new(&RATES, now);
        let kept = || throttle.addresses.kept.lock().unwrap().own.len();
        let tried = 100_000;
        let let_in = (0..tried).filter(|n: &u32| throttle.address(IpAddr::from((n + 1).to_be_bytes()), now)).count();
        assert_eq!((let_in, kept()), (BUCKETS + 5, BUCKETS));
        // Once their buckets are full again they make room.
        let later = now + Duration::from_secs(2);
        assert!(throttle.address(IpAddr::from([203, 0, 113, 1]), later));
        assert_eq!(kept(), 1);
    }
}
