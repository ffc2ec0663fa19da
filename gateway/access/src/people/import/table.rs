//! CSV as RFC 4180 describes it, read strictly.
//!
//! A reader that forgives swallows rows: of a quotation mark that is never closed it makes one field of the rest of the file. Here each
//! departure from the grammar is a fault with its line. More than the RFC allows: lines may end in LF alone, a byte order mark may stand
//! in front, and empty lines are passed over. The first line names the columns (RFC 4180, 2.3), in any order.

/// A table, as far as it could be read.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The rows that have as many fields as there are columns.
    pub rows: Vec<Row>,
    /// What is wrong, by line.
    pub faults: Vec<Fault>,
}

/// A row.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// The line at which it begins, from 1.
    pub line: u64,
    /// Its fields, as many as there are columns.
    pub fields: Vec<String>,
}

/// A departure from the grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// The line at which the row begins that it is in, from 1.
    pub line: u64,
    /// What departs, in words.
    pub what: &'static str,
}

impl Table {
    /// Reads at most so many rows; what is more is a fault.
    #[must_use]
    pub fn read(text: &str, most: usize) -> Self {
        let mut table = Self::default();
        let mut reader = Reader::new(text);
        match reader.record() {
            Some(Ok(row)) => table.columns = row.fields,
            Some(Err(fault)) => table.faults.push(fault),
            None => table.faults.push(Fault { line: 1, what: "no line that names the columns" }),
        }
        if !table.faults.is_empty() {
            return table;
        }
        while let Some(record) = reader.record() {
            match record {
                Ok(row) if row.fields.len() != table.columns.len() => {
                    let what = "another number of fields than the first line has";
                    table.faults.push(Fault { line: row.line, what });
                }
                Ok(row) => table.rows.push(row),
                // Where a quotation mark is out of place, nobody knows where the next row begins.
                Err(fault) => {
                    table.faults.push(fault);
                    break;
                }
            }
            if table.rows.len() + table.faults.len() > most {
                table.faults.push(Fault { line: reader.line, what: "more rows than one import may have" });
                break;
            }
        }
        table
    }
}

struct Reader<'t> {
    rest: std::str::Chars<'t>,
    line: u64,
}

/// What a field ended with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Comma,
    Line,
    Text,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str) -> Self {
        Self { rest: text.strip_prefix('\u{feff}').unwrap_or(text).chars(), line: 1 }
    }

    /// The next row that is not an empty line.
    fn record(&mut self) -> Option<Result<Row, Fault>> {
        while !self.rest.as_str().is_empty() {
            let line = self.line;
            let mut fields = Vec::new();
            loop {
                match self.field() {
                    Ok((field, end)) => {
                        fields.push(field);
                        if end != End::Comma {
                            break;
                        }
                    }
                    Err(what) => return Some(Err(Fault { line, what })),
                }
            }
            if fields.iter().any(|field| !field.is_empty()) || fields.len() > 1 {
                return Some(Ok(Row { line, fields }));
            }
        }
        None
    }

    fn field(&mut self) -> Result<(String, End), &'static str> {
        if self.rest.as_str().starts_with('"') {
            self.rest.next();
            return self.quoted();
        }
        let mut field = String::new();
        loop {
            match self.rest.next() {
                Some('"') => return Err("a quotation mark inside a field that does not begin with one"),
                Some(c @ (',' | '\r' | '\n')) => return Ok((field, self.end(Some(c))?)),
                None => return Ok((field, End::Text)),
                Some(c) => field.push(c),
            }
        }
    }

    /// The opening mark is read. Inside, two of them mean one.
    fn quoted(&mut self) -> Result<(String, End), &'static str> {
        let mut field = String::new();
        loop {
            match self.rest.next() {
                None => return Err("a quotation mark that is never closed"),
                Some('"') => match self.rest.next() {
                    Some('"') => field.push('"'),
                    next => return Ok((field, self.end(next)?)),
                },
                Some(c) => {
                    self.line += u64::from(c == '\n');
                    field.push(c);
                }
            }
        }
    }

    /// What comes after a field.
    fn end(&mut self, next: Option<char>) -> Result<End, &'static str> {
        match next {
            None => Ok(End::Text),
            Some(',') => Ok(End::Comma),
            Some('\n') => {
                self.line += 1;
                Ok(End::Line)
            }
            Some('\r') if self.rest.next() == Some('\n') => {
                self.line += 1;
                Ok(End::Line)
            }
            Some('\r') => Err("a carriage return without a line feed"),
            Some(_) => Err("text after a closing quotation mark"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Table {
        Table::read(text, 100)
    }

    fn rows(text: &str) -> Vec<(u64, Vec<String>)> {
        let table = read(text);
        assert_eq!(table.faults, [], "{text:?}");
        table.rows.into_iter().map(|row| (row.line, row.fields)).collect()
    }

    fn fields(fields: &[&str]) -> Vec<String> {
        fields.iter().map(|field| (*field).to_owned()).collect()
    }

    #[test]
    fn what_the_grammar_allows_is_read() {
        let expected = [(2, fields(&["1", "two"])), (3, fields(&["", ""])), (5, fields(&["4", "five"]))];
        for text in ["a,b\r\n1,two\r\n,\r\n\r\n4,five\r\n", "\u{feff}a,b\n1,two\n,\n\n4,five"] {
            assert_eq!(rows(text), expected, "{text:?}");
        }
        let quoted = "a,b\n\"1,\"\"x\"\"\",\"two\r\nlines\"\n3,\"\"\n";
        assert_eq!(rows(quoted), [(2, fields(&["1,\"x\"", "two\r\nlines"])), (4, fields(&["3", ""]))]);
        assert_eq!(rows("name\nОксана\n"), [(2, fields(&["Оксана"]))]);
    }

    #[test]
    fn each_departure_is_told_with_its_line() {
        for (text, line) in [
            ("", 1),
            ("\n\n", 1),
            ("a,\"b\n", 1),
            ("a,b\n1,2\n\"3,4\n5,6\n", 3),
            ("a,b\n1,2\nx\"y\",3\n", 3),
            ("a,b\n\"1\"x,2\n", 2),
            ("a,b\n1,2\r3,4\n", 2),
            ("a,b\n1,2,3\n", 2),
            ("a,b\n1\n", 2),
        ] {
            let faults = read(text).faults;
            assert_eq!(faults.first().map(|fault| fault.line), Some(line), "{text:?}: {faults:?}");
        }
        // A row of the wrong length is passed over, and the rest is read.
        let table = read("a,b\n1\n2,3\n4,5,6\n7,8\n");
        assert_eq!((table.rows.len(), table.faults.len()), (2, 2));
    }

    #[test]
    fn a_table_is_not_read_without_end() {
        let text = format!("a\n{}", "1\n".repeat(101));
        let table = read(&text);
        assert!(table.rows.len() <= 101 && table.faults.len() == 1, "{:?}", table.faults);
        assert_eq!(read(&format!("a\n{}", "1\n".repeat(100))).faults, []);
    }

    #[test]
    fn whatever_is_written_is_read_back() {
        let pieces = ["", "a", ",", "\"", "\n", "\r\n", "Ї", "\u{feff}", " "];
        for one in pieces {
            for two in pieces {
                for three in pieces {
                    let field = format!("{one}{two}{three}");
                    let text = format!("a,b\r\n\"{}\",x\r\n", field.replace('"', "\"\""));
                    assert_eq!(rows(&text), [(2, vec![field, "x".to_owned()])]);
                }
            }
        }
    }
}
