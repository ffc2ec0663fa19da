//! Values of the store on PostgreSQL's wire (binary format, PostgreSQL 15 55.8): BIGINT, TEXT and BYTEA go out; what an expression makes of them
//! (a boolean, an `int4` of length(), the `numeric` of sum()) comes back as the store's kinds.

use crate::store::{StoreError, Value};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgArguments, PgRow, PgTypeInfo, Postgres};
use sqlx::{Arguments, Encode, Row, Type, ValueRef};

/// `$1` to `$n`. The error is a text without values.
pub(super) fn arguments(values: &[Value<'_>]) -> Result<PgArguments, String> {
    let mut arguments = PgArguments::default();
    arguments.reserve(values.len(), values.iter().map(size).sum());
    for value in values {
        arguments.add(Bound(*value)).map_err(|error| error.to_string())?;
    }
    Ok(arguments)
}

fn size(value: &Value<'_>) -> usize {
    4 + match value {
        Value::Null => 0,
        Value::Integer(_) => 8,
        Value::Text(text) => text.len(),
        Value::Blob(bytes) => bytes.len(),
    }
}

struct Bound<'a>(Value<'a>);

impl Type<Postgres> for Bound<'_> {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(UNSPECIFIED))
    }
}

impl<'q> Encode<'q, Postgres> for Bound<'_> {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        match self.0 {
            Value::Null => return Ok(IsNull::Yes),
            Value::Integer(v) => buffer.extend_from_slice(&v.to_be_bytes()),
            Value::Text(v) => buffer.extend_from_slice(v.as_bytes()),
            Value::Blob(v) => buffer.extend_from_slice(v),
        }
        Ok(IsNull::No)
    }

    /// NULL has whatever type its place in the statement has.
    fn produces(&self) -> Option<PgTypeInfo> {
        Some(PgTypeInfo::with_oid(Oid(match self.0 {
            Value::Null => UNSPECIFIED,
            Value::Integer(_) => INT8,
            Value::Text(_) => TEXT,
            Value::Blob(_) => BYTEA,
        })))
    }

    fn size_hint(&self) -> usize {
        size(&self.0)
    }
}

/// A column of a row.
pub(crate) fn column(row: &PgRow, column: usize) -> Result<Value<'_>, StoreError> {
    let value = row.try_get_raw(column).map_err(|_| StoreError::Corrupt("a column is missing"))?;
    if value.is_null() {
        return Ok(Value::Null);
    }
    let oid = value.type_info().oid().map_or(UNSPECIFIED, |oid| oid.0);
    let bytes = value.as_bytes().map_err(|_| StoreError::Corrupt("a column without a value"))?;
    let integer =
        |number: Option<i64>| number.map(Value::Integer).ok_or(StoreError::Corrupt("a number of another form"));
    match oid {
        INT8 => integer(bytes.try_into().ok().map(i64::from_be_bytes)),
        INT4 => integer(bytes.try_into().ok().map(i32::from_be_bytes).map(i64::from)),
        INT2 => integer(bytes.try_into().ok().map(i16::from_be_bytes).map(i64::from)),
        BOOL => integer(bytes.first().map(|byte| i64::from(*byte))),
        NUMERIC => integer(whole_number(bytes)),
        TEXT | VARCHAR | NAME | UNKNOWN => {
            std::str::from_utf8(bytes).map(Value::Text).map_err(|_| StoreError::Corrupt("a text is not UTF-8"))
        }
        BYTEA => Ok(Value::Blob(bytes)),
        _ => Err(StoreError::Corrupt("a column of a type that this store does not use")),
    }
}

/// `numeric`: the number of digits, the weight of the first, the sign, the scale, then digits of base 10,000. None with a fraction, or beyond 64 bits.
fn whole_number(bytes: &[u8]) -> Option<i64> {
    let mut words = bytes.chunks(2).map(|word| word.try_into().ok().map(i16::from_be_bytes));
    let mut next = || words.next().flatten();
    let (count, weight, sign, _scale) = (next()?, next()?, next()?, next()?);
    let mut number: i128 = 0;
    for place in 0..i16::max(count, weight.checked_add(1)?) {
        let digit = if place < count { next()? } else { 0 };
        if place > weight && digit != 0 {
            return None;
        }
        if place <= weight {
            number = number.checked_mul(10_000)?.checked_add(i128::from(digit))?;
        }
    }
    match sign {
        0 => i64::try_from(number).ok(),
        0x4000 => i64::try_from(-number).ok(),
        // Not a number, or infinite.
        _ => None,
    }
}

// pg_type.dat of PostgreSQL.
const UNSPECIFIED: u32 = 0;
const BOOL: u32 = 16;
const BYTEA: u32 = 17;
const NAME: u32 = 19;
const INT8: u32 = 20;
const INT2: u32 = 21;
const INT4: u32 = 23;
const TEXT: u32 = 25;
const UNKNOWN: u32 = 705;
const VARCHAR: u32 = 1043;
const NUMERIC: u32 = 1700;

#[cfg(test)]
mod tests {
    use super::*;

    fn numeric(words: &[i16]) -> Option<i64> {
        whole_number(&words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<_>>())
    }

    #[test]
    fn whole_numbers_are_read_and_others_refused() {
        assert_eq!(numeric(&[0, 0, 0, 0]), Some(0));
        assert_eq!(numeric(&[1, 0, 0, 0, 7]), Some(7));
        assert_eq!(numeric(&[1, 2, 0, 0, 3]), Some(300_000_000));
        assert_eq!(numeric(&[2, 1, 0x4000, 0, 12, 34]), Some(-120_034));
        assert_eq!(numeric(&[5, 4, 0, 0, 922, 3372, 368, 5477, 5807]), Some(i64::MAX));
        assert_eq!(numeric(&[5, 4, 0, 0, 922, 3372, 368, 5477, 5808]), None);
        assert_eq!(numeric(&[2, 0, 0, 1, 7, 5000]), None, "7.5");
        assert_eq!(numeric(&[2, 0, 0, 2, 7, 0]), Some(7), "7.00");
        assert_eq!(numeric(&[0, 0, -0x4000, 0]), None, "not a number");
        assert_eq!(numeric(&[1, i16::MAX, 0, 0, 1]), None);
        assert_eq!(numeric(&[2, 1, 0, 0, 12]), None, "cut off");
        assert_eq!(numeric(&[1]), None);
    }
}
