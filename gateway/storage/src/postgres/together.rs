//! Rows that a group inserts by one text, sent in one statement.
//!
//! A statement costs a way to the server and back, some hundred microseconds whatever it does, and what most acts write is a row here and a row there
//! whose answer nobody reads. Such rows wait until the group commits, or until something is asked of their table, and go as one
//! `INSERT .. SELECT * FROM unnest(..)` with an array for each column (PostgreSQL 15 9.19; binary form of arrays: `array_send`).

use crate::store::{StoreError, Value};

use super::values::{self, Column};

/// Octets that wait at most; beyond that they are sent at once.
const WAITING: usize = 1024 * 1024;

/// What waits, by text, in the order in which the texts came first.
#[derive(Default)]
pub(super) struct Together {
    tables: Vec<Rows>,
    size: usize,
}

/// Rows of one text.
pub(super) struct Rows {
    sql: &'static str,
    table: &'static str,
    columns: Vec<Column>,
}

/// A text that inserts one row.
struct OneRow {
    /// Up to VALUES.
    head: &'static str,
    table: &'static str,
    columns: usize,
}

impl OneRow {
    /// `INSERT INTO table (..) VALUES ($1, .. $n)`, and no more; the first line may be a comment.
    fn of(sql: &'static str) -> Option<Self> {
        let (head, values) = sql.split_once("VALUES")?;
        let columns = values.trim().strip_prefix('(')?.strip_suffix(')')?.split(',');
        let mut count = 0;
        for column in columns {
            count += 1;
            if column.trim().strip_prefix('$')?.parse() != Ok(count) {
                return None;
            }
        }
        let table = head.split_once("INSERT INTO ")?.1.split([' ', '(']).next()?;
        Some(Self { head, table, columns: count })
    }
}

impl Together {
    /// Keeps a row for later; false: it must be sent by itself, since it has a NULL, whose type only its place says, or another form than those before.
    ///
    /// # Errors
    /// A text that does not insert one row: ours is wrong.
    pub(super) fn add(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<bool, StoreError> {
        let rows = match self.tables.iter_mut().position(|rows| std::ptr::eq(rows.sql, sql)) {
            Some(place) => place,
            None => {
                let wrong = || StoreError::Database(format!("no insert of one row: {sql}"));
                let text = OneRow::of(sql).filter(|text| text.columns == values.len()).ok_or_else(wrong)?;
                let Some(columns) = values.iter().map(Column::for_value).collect::<Option<Vec<_>>>() else {
                    return Ok(false);
                };
                self.tables.push(Rows { sql, table: text.table, columns });
                self.tables.len() - 1
            }
        };
        let Some(rows) = self.tables.get_mut(rows) else { return Ok(false) };
        if rows.columns.len() != values.len()
            || !rows.columns.iter().zip(values).all(|(column, value)| column.takes(value))
        {
            return Ok(false);
        }
        for (column, value) in rows.columns.iter_mut().zip(values) {
            self.size += column.push(value);
        }
        Ok(true)
    }

    /// Whether so much waits that it should go.
    pub(super) fn is_much(&self) -> bool {
        self.size >= WAITING
    }

    /// Whether a statement may want to see what waits: it names one of the tables.
    pub(super) fn concerns(&self, sql: &str) -> bool {
        self.tables.iter().any(|rows| sql.contains(rows.table))
    }

    /// All of it, which is forgotten here.
    pub(super) fn take(&mut self) -> Vec<Rows> {
        self.size = 0;
        std::mem::take(&mut self.tables)
    }
}

impl Rows {
    /// The statement for all rows: the same text however many there are, so that it is prepared once.
    pub(super) fn statement(&self) -> String {
        let head = OneRow::of(self.sql).map_or(self.sql, |text| text.head);
        let arrays: Vec<String> = self
            .columns
            .iter()
            .zip(1..)
            .map(|(column, number)| format!("${number}::{}[]", column.type_name()))
            .collect();
        format!("{head}SELECT * FROM unnest({})", arrays.join(", "))
    }

    pub(super) fn arguments(&self) -> Result<sqlx::postgres::PgArguments, String> {
        values::arrays(&self.columns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &str = "-- row
        INSERT INTO event (id, at, name) VALUES ($1, $2, $3)";

    #[test]
    fn rows_of_one_text_become_one_statement() {
        let mut together = Together::default();
        for id in [[1_u8; 2], [2; 2]] {
            assert_eq!(together.add(ROW, &[(&id).into(), 7_i64.into(), "n".into()]), Ok(true));
        }
        assert!(together.concerns("SELECT 1 FROM event") && !together.concerns("SELECT 1 FROM jobs"));
        let rows = together.take();
        assert!(!together.concerns("SELECT 1 FROM event"), "what was taken does not wait any more");
        let texts: Vec<_> = rows.iter().map(Rows::statement).collect();
        let (head, _) = ROW.split_once("VALUES").unwrap();
        assert_eq!(texts, [format!("{head}SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::text[])")]);
    }

    #[test]
    fn a_row_that_fits_no_array_goes_by_itself() {
        let mut together = Together::default();
        let null = [Value::Null, 7_i64.into(), "n".into()];
        assert_eq!(together.add(ROW, &null), Ok(false));
        assert_eq!(together.add(ROW, &[1_i64.into(), 7_i64.into(), "n".into()]), Ok(true));
        assert_eq!(together.add(ROW, &null), Ok(false));
        assert_eq!(together.add(ROW, &["other".into(), 7_i64.into(), "n".into()]), Ok(false));
        assert_eq!(together.take().len(), 1);
    }

    #[test]
    fn a_text_of_another_form_is_refused() {
        let values = [Value::Integer(1), Value::Integer(2)];
        for sql in [
            "INSERT INTO a (b, c) VALUES ($2, $1)",
            "INSERT INTO a (b, c) VALUES ($1, 5)",
            "INSERT INTO a (b, c) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            "INSERT INTO a (b, c) VALUES ($1, $2, $3)",
            "INSERT INTO a (b, c) SELECT $1, $2",
            "UPDATE a SET b = $1 WHERE c = $2",
        ] {
            assert!(Together::default().add(sql, &values).is_err(), "{sql}");
        }
    }

    #[test]
    fn much_of_it_is_noticed() {
        let mut together = Together::default();
        let large = vec![0_u8; WAITING / 2];
        for is_much in [false, true] {
            together.add(ROW, &[(&large).into(), 1_i64.into(), "n".into()]).unwrap();
            assert_eq!(together.is_much(), is_much);
        }
        together.take();
        assert!(!together.is_much());
    }
}
