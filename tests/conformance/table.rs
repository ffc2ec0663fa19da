//! Expectations of a corpus: comma-separated values (RFC 4180) with a header row.

use std::collections::BTreeMap;

/// A row: values by column.
pub(crate) type Row = BTreeMap<String, String>;

/// Reads a table.
pub(crate) fn parse(text: &str) -> Vec<Row> {
    let mut lines = records(text).into_iter();
    let header = lines.next().expect("a header row");
    lines.map(|fields| header.iter().cloned().zip(fields).collect()).collect()
}

fn records(text: &str) -> Vec<Vec<String>> {
    let (mut records, mut fields, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => field.extend(characters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            '\n' if !quoted => {
                fields.push(std::mem::take(&mut field));
                records.push(std::mem::take(&mut fields));
            }
            '\r' if !quoted => {}
            c => field.push(c),
        }
    }
    if !field.is_empty() || !fields.is_empty() {
        fields.push(field);
        records.push(fields);
    }
    records
}

#[test]
fn quotes_and_line_ends_are_read() {
    let rows = parse("file,note\r\na.p7m,\"one, \"\"two\"\"\nthree\"\nb.p7m,");
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0]["note"], "one, \"two\"\nthree");
    assert_eq!((rows[1]["file"].as_str(), rows[1]["note"].as_str()), ("b.p7m", ""));
}
