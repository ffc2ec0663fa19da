//! A small PDF letter (ISO 32000-1, version 1.7), written by hand: one A4 page of plain Latin text in a standard font.
//!
//! It is what the demonstration signs and sends. It is not a PDF library.

use std::fmt::Write as _;

/// Writes a letter of one page: `title` in bold, then `lines`. Characters outside printable ASCII become `?`, since the
/// standard fonts have no more in common; lines past the foot of the page are left out.
#[must_use]
pub fn letter(title: &str, lines: &[&str]) -> Vec<u8> {
    let text = page_text(title, lines);
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 6 0 R \
         /Resources << /Font << /Bold 4 0 R /Plain 5 0 R >> >> >>"
            .to_owned(),
        font("Helvetica-Bold"),
        font("Helvetica"),
        format!("<< /Length {} >>\nstream\n{text}endstream", text.len()),
        format!("<< /Title ({}) /Producer (Vuzol demonstration) >>", literal(title)),
    ];
    assemble(&objects)
}

fn page_text(title: &str, lines: &[&str]) -> String {
    // Writing to a String cannot fail, hence the ignored results.
    let mut text = String::new();
    let _ = writeln!(text, "BT\n/Bold 16 Tf\n72 760 Td\n({}) Tj\n/Plain 11 Tf\n0 -32 Td\n15 TL", literal(title));
    for line in lines.iter().take(LINES_OF_PAGE) {
        let _ = writeln!(text, "({}) Tj T*", literal(line));
    }
    text.push_str("ET\n");
    text
}

/// Objects numbered from 1, with the cross-reference table that ISO 32000-1, 7.5.4 wants: twenty bytes for each entry.
fn assemble(objects: &[String]) -> Vec<u8> {
    // The comment of four high bytes marks the file as binary (7.5.2).
    let mut file = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (number, object) in (1..).zip(objects) {
        let _ = writeln!(table, "{:010} 00000 n ", file.len());
        file.extend_from_slice(format!("{number} 0 obj\n{object}\nendobj\n").as_bytes());
    }
    let start = file.len();
    let trailer = format!(
        "trailer\n<< /Size {} /Root 1 0 R /Info {} 0 R >>\nstartxref\n{start}\n%%EOF\n",
        objects.len() + 1,
        objects.len()
    );
    file.extend_from_slice(table.as_bytes());
    file.extend_from_slice(trailer.as_bytes());
    file
}

fn font(name: &str) -> String {
    format!("<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>")
}

/// The content of a literal string (7.3.4.2).
fn literal(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '(' | ')' | '\\' => escaped.extend(['\\', character]),
            ' '..='~' => escaped.push(character),
            _ => escaped.push('?'),
        }
    }
    escaped
}

/// From 728 points down to the lower margin, 15 points each.
const LINES_OF_PAGE: usize = 44;

#[cfg(test)]
mod tests {
    use super::*;

    fn number_after(file: &str, mark: &str) -> usize {
        let rest = &file[file.rfind(mark).unwrap() + mark.len()..];
        rest.trim_start().split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
    }

    /// Latin-1, so that offsets into the text are offsets into the file.
    fn as_text(file: &[u8]) -> String {
        file.iter().map(|&byte| if byte.is_ascii() { char::from(byte) } else { '.' }).collect()
    }

    #[test]
    fn every_cross_reference_leads_to_its_object() {
        let file = as_text(&letter("A letter (signed)", &["First line.", "Back\\slash and (brackets)."]));
        let table = number_after(&file, "startxref");
        assert!(file[table..].starts_with("xref\n0 8\n"));
        let entries: Vec<&str> = file[table..].split_inclusive('\n').skip(2).take(8).collect();
        assert!(entries.iter().all(|entry| entry.len() == 20), "{entries:?}");
        for (number, entry) in entries.iter().enumerate().skip(1) {
            let offset: usize = entry[..10].parse().unwrap();
            assert!(file[offset..].starts_with(&format!("{number} 0 obj\n")), "object {number}");
        }
        assert!(file.starts_with("%PDF-1.7\n") && file.ends_with("%%EOF\n"));
        assert!(file.contains("/Size 8 /Root 1 0 R /Info 7 0 R"));
    }

    #[test]
    fn the_stream_is_as_long_as_it_says() {
        let file = as_text(&letter("Title", &["one", "two"]));
        let stream = &file[file.find("stream\n").unwrap() + 7..file.find("endstream").unwrap()];
        assert_eq!(number_after(&file, "/Length"), stream.len());
    }

    #[test]
    fn text_cannot_leave_its_string() {
        let file = as_text(&letter("a) Tj (b", &["лист\n\\)"]));
        assert!(file.contains(r"(a\) Tj \(b) Tj"));
        assert!(file.contains(r"(?????\\\)) Tj T*"));
    }
}
