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

/// In binary form, without its length.
fn write(value: &Value<'_>, buffer: &mut Vec<u8>) {
    match value {
        Value::Null => {}
        Value::Integer(v) => buffer.extend_from_slice(&v.to_be_bytes()),
        Value::Text(v) => buffer.extend_from_slice(v.as_bytes()),
        Value::Blob(v) => buffer.extend_from_slice(v),
    }
}

fn of_value(value: &Value<'_>) -> u32 {
    match value {
        Value::Null => UNSPECIFIED,
        Value::Integer(_) => INT8,
        Value::Text(_) => TEXT,
        Value::Blob(_) => BYTEA,
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
        if matches!(self.0, Value::Null) {
            return Ok(IsNull::Yes);
        }
        write(&self.0, buffer);
        Ok(IsNull::No)
    }

    /// NULL has whatever type its place in the statement has.
    fn produces(&self) -> Option<PgTypeInfo> {
        Some(PgTypeInfo::with_oid(Oid(of_value(&self.0))))
    }

    fn size_hint(&self) -> usize {
        size(&self.0)
    }
}

/// The values of one column for many rows, as the elements of an array: each its length, and then itself.
pub(super) struct Column {
    element: u32,
    elements: Vec<u8>,
    count: i32,
}

impl Column {
    /// A column for values like this one; None for NULL, which is like none.
    pub(super) fn for_value(value: &Value<'_>) -> Option<Self> {
        let element = of_value(value);
        (element != UNSPECIFIED).then(|| Self { element, elements: Vec::new(), count: 0 })
    }

    /// Whether a value is of the column's type.
    pub(super) fn takes(&self, value: &Value<'_>) -> bool {
        of_value(value) == self.element && self.count < i32::MAX && i32::try_from(size(value)).is_ok()
    }

    /// Adds a value that it takes; answers how many octets that were.
    pub(super) fn push(&mut self, value: &Value<'_>) -> usize {
        let size = size(value);
        // A length without its own four octets; `takes` has seen to it that it fits.
        self.elements.extend_from_slice(&i32::try_from(size - 4).unwrap_or(i32::MAX).to_be_bytes());
        write(value, &mut self.elements);
        self.count += 1;
        size
    }

    pub(super) fn type_name(&self) -> &'static str {
        match self.element {
            INT8 => "bigint",
            TEXT => "text",
            _ => "bytea",
        }
    }
}

impl Type<Postgres> for Column {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(UNSPECIFIED))
    }
}

impl<'q> Encode<'q, Postgres> for Column {
    /// One dimension, no NULLs, the type of the elements, how many, numbered from 1; then the elements.
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        for word in [1, 0, self.element.cast_signed(), self.count, 1] {
            buffer.extend_from_slice(&word.to_be_bytes());
        }
        buffer.extend_from_slice(&self.elements);
        Ok(IsNull::No)
    }

    fn produces(&self) -> Option<PgTypeInfo> {
        Some(PgTypeInfo::with_oid(Oid(match self.element {
            INT8 => INT8_ARRAY,
            TEXT => TEXT_ARRAY,
            _ => BYTEA_ARRAY,
        })))
    }

    fn size_hint(&self) -> usize {
        20 + self.elements.len()
    }
}

/// `$1` to `$n`, an array each.
pub(super) fn arrays(columns: &[Column]) -> Result<PgArguments, String> {
    let mut arguments = PgArguments::default();
    arguments.reserve(columns.len(), columns.iter().map(|column| 24 + column.elements.len()).sum());
    for column in columns {
        arguments.add(column).map_err(|error| error.to_string())?;
    }
    Ok(arguments)
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
const BYTEA_ARRAY: u32 = 1001;
const TEXT_ARRAY: u32 = 1009;
const INT8_ARRAY: u32 = 1016;

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
