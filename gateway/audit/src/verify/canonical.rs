//! Whether an entry is written as entries are: one flat JSON object in the form of RFC 8785.
//!
//! A general parser would accept many spellings of one entry, and take several times as long: this is read a million times in a second.

/// Where an entry is not canonical: the offset of the first byte that does not belong there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("at byte {0}")]
pub struct NotCanonical(pub usize);

/// `Ok` only for one object whose keys ascend, whose values are strings and integers, without white space, each character in its only spelling.
///
/// # Errors
/// The first byte that does not belong there.
pub fn canonical(entry: &[u8]) -> Result<(), NotCanonical> {
    if let Err(error) = std::str::from_utf8(entry) {
        return Err(NotCanonical(error.valid_up_to()));
    }
    let mut scan = Scan { entry, at: 0 };
    scan.object().map_err(|Stop| NotCanonical(scan.at))
}

struct Scan<'e> {
    entry: &'e [u8],
    at: usize,
}

/// The byte at the scan's place does not belong there.
struct Stop;

impl<'e> Scan<'e> {
    fn object(&mut self) -> Result<(), Stop> {
        self.expect(b'{')?;
        let mut last: &[u8] = b"";
        loop {
            let start = self.at;
            let key = self.key()?;
            // RFC 8785, 3.2.3: sorted; and no key twice. (Ours are ASCII, whose order is that of UTF-16.)
            if key <= last {
                self.at = start;
                return Err(Stop);
            }
            last = key;
            self.expect(b':')?;
            match self.peek() {
                Some(b'"') => self.string()?,
                _ => self.integer()?,
            }
            if self.peek() != Some(b',') {
                break;
            }
            self.at += 1;
        }
        self.expect(b'}')?;
        if self.at == self.entry.len() { Ok(()) } else { Err(Stop) }
    }

    /// Lower-case letters, digits and `_`.
    fn key(&mut self) -> Result<&'e [u8], Stop> {
        self.expect(b'"')?;
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_') {
            self.at += 1;
        }
        let key = self.entry.get(start..self.at).unwrap_or_default();
        self.expect(b'"')?;
        Ok(key)
    }

    fn string(&mut self) -> Result<(), Stop> {
        self.expect(b'"')?;
        loop {
            let rest = self.entry.get(self.at..).unwrap_or_default();
            let plain = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f));
            self.at += plain.unwrap_or(rest.len());
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                _ => return Err(Stop),
            }
        }
    }

    /// RFC 8785, 3.2.2.2: two characters where JSON has such a form, else `\u00xx` in lower case; and nothing that needs no escape.
    fn escape(&mut self) -> Result<(), Stop> {
        let rest = self.entry.get(self.at + 1..).unwrap_or_default();
        let length = match rest {
            [b'"' | b'\\' | b'b' | b't' | b'n' | b'f' | b'r', ..] => 2,
            [b'u', b'0', b'0', high @ (b'0' | b'1'), low, ..] => match (high, low) {
                (b'0', b'8' | b'9' | b'a' | b'c' | b'd') => return Err(Stop),
                (_, b'0'..=b'9' | b'a'..=b'f') => 6,
                _ => return Err(Stop),
            },
            _ => return Err(Stop),
        };
        self.at += length;
        Ok(())
    }

    /// RFC 8785, 3.2.2.3: integers up to 2^53 - 1 are plain decimal; there are no others in an entry.
    fn integer(&mut self) -> Result<(), Stop> {
        let start = self.at;
        let mut value: u64 = 0;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            // Sixteen digits at most were multiplied: far below 2^64.
            value = value * 10 + u64::from(digit - b'0');
            self.at += 1;
            let leading_zero = self.entry.get(start) == Some(&b'0') && self.at - start > 1;
            if leading_zero || value >= 1 << 53 {
                self.at -= 1;
                return Err(Stop);
            }
        }
        if self.at > start { Ok(()) } else { Err(Stop) }
    }

    fn expect(&mut self, byte: u8) -> Result<(), Stop> {
        if self.peek() == Some(byte) {
            self.at += 1;
            Ok(())
        } else {
            Err(Stop)
        }
    }

    fn peek(&self) -> Option<u8> {
        self.entry.get(self.at).copied()
    }
}
