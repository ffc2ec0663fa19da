//! Keys that verify many signatures: tables made beforehand, so that a verification doubles a quarter as often.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use super::error::VerifyError;
use super::field::{Field, Task, dispatch};
use super::limbs::{self, Limbs};
use super::point::{self, Affine, BASE_PART_WIDTH, PARTS};
use super::public::{ByteOrder, PublicKey};
use super::recode::Stream;
use super::verify::{Signature, conclude, hash_element, verify_point};

/// A public key with tables for fast verification: of a certification authority, of whoever signs often. Preparing costs about as much as
/// a verification; the tables take 6 KiB for m = 257 and 8 KiB for m = 431. Cheap to clone.
#[derive(Clone)]
pub struct PreparedKey {
    key: PublicKey,
    /// A [`KeyTables`] of the engine that [`dispatch`] chooses.
    tables: Arc<dyn Any + Send + Sync>,
}

/// For each part of a scalar the odd multiples, [`WIDTH`] wide.
struct KeyTables<E>([Vec<Affine<E>>; PARTS]);

impl PreparedKey {
    /// Makes the tables.
    pub fn new(key: &PublicKey) -> Self {
        Self { key: *key, tables: dispatch(key.curve.domain(), Prepare { point: key.point }) }
    }

    /// The key itself.
    pub fn public_key(&self) -> &PublicKey {
        &self.key
    }

    /// As [`PublicKey::verify`], and faster.
    ///
    /// # Errors
    /// As [`PublicKey::verify`].
    pub fn verify(&self, order: ByteOrder, hash: &[u8], signature: &[u8]) -> Result<(), VerifyError> {
        let domain = self.key.curve.domain();
        let signature = Signature::read(self.key.curve, order, signature)?;
        dispatch(domain, VerifyPrepared { prepared: self, signature, hash: hash_element(domain, hash) })
    }
}

impl fmt::Debug for PreparedKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("PreparedKey").field(&self.key).finish()
    }
}

struct Prepare {
    point: Affine<Limbs>,
}

impl Task for Prepare {
    type Output = Arc<dyn Any + Send + Sync>;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn run<F: Field>(self, field: F) -> Self::Output {
        let key = Affine { x: field.load(&self.point.x), lambda: field.load(&self.point.lambda) };
        Arc::new(KeyTables(point::part_tables(field, &key, WIDTH)))
    }
}

struct VerifyPrepared<'a> {
    prepared: &'a PreparedKey,
    signature: Signature,
    hash: Limbs,
}

impl Task for VerifyPrepared<'_> {
    type Output = Result<(), VerifyError>;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn run<F: Field>(self, field: F) -> Self::Output {
        let Self { prepared, signature, hash } = self;
        let point = &prepared.key.point;
        let key = Affine { x: field.load(&point.x), lambda: field.load(&point.lambda) };
        let base = field.base_tables();
        let Some(KeyTables(tables)) = prepared.tables.downcast_ref::<KeyTables<F::Element>>() else {
            // Not reached: the same processor gets the same engine.
            return verify_point(field, &base.whole, &key, &signature, &hash);
        };
        let bits = point::part_bits(field.domain());
        let part = |scalar: &Limbs, index: usize| limbs::slice(scalar, index * bits, bits);
        let streams: [Stream<'_, F::Element>; 2 * PARTS] = std::array::from_fn(|index| {
            let part_index = index % PARTS;
            if index < PARTS {
                Stream {
                    table: &base.parts[part_index],
                    width: BASE_PART_WIDTH,
                    scalar: part(&signature.s, part_index),
                }
            } else {
                Stream { table: &tables[part_index], width: WIDTH, scalar: part(&signature.r, part_index) }
            }
        });
        conclude(field, point::joint_multiply(field, streams), &key, &signature, &hash)
    }
}

const WIDTH: usize = 6;
