//! Passwords, and the forms in which the standards and their implementations turn one into octets.

use std::fmt;

use zeroize::Zeroizing;

/// A password: text, zeroized on drop, silent Debug. May be empty.
#[derive(Clone)]
pub struct Password {
    text: Zeroizing<String>,
}

/// The octets that stand for a password.
pub(super) type Octets = Zeroizing<Vec<u8>>;

impl Password {
    /// A copy of `text`.
    pub fn new(text: &str) -> Self {
        Self { text: Zeroizing::new(text.to_owned()) }
    }

    /// UTF-8: what RFC 8018 (3), RFC 9579 and the national profile mean, and what is written.
    pub(super) fn utf8(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// The forms met under PBES2 and in Key-6.dat, the most likely first: UTF-8, then windows-1251, which programs for Windows use.
    pub(super) fn octets(&self) -> Vec<Octets> {
        let mut forms = vec![Zeroizing::new(self.text.as_bytes().to_vec())];
        forms.extend(self.windows_1251());
        forms
    }

    /// BMPString (UTF-16BE) ended by two zero octets: RFC 7292, B.1.
    pub(super) fn bmp(&self) -> Octets {
        let mut form = self.utf16();
        form.extend_from_slice(&[0, 0]);
        form
    }

    /// The forms met under the key derivation of PKCS#12, the most likely first: [`Password::bmp`], the same without the end mark, and for
    /// passwords beyond ASCII both again of the octets of [`Password::octets`], each widened by a zero octet (OpenSSL before 1.1).
    pub(super) fn bmp_forms(&self) -> Vec<Octets> {
        let mut forms = vec![self.bmp(), self.utf16()];
        if !self.text.is_ascii() {
            for octets in self.octets() {
                let mut widened = Zeroizing::new(Vec::with_capacity(2 * octets.len() + 2));
                octets.iter().for_each(|octet| widened.extend_from_slice(&[0, *octet]));
                forms.push(widened.clone());
                widened.extend_from_slice(&[0, 0]);
                forms.push(widened);
            }
        }
        forms
    }

    /// UTF-16BE without an end mark; what JKS hashes.
    pub(super) fn utf16(&self) -> Octets {
        let units = self.text.encode_utf16().count();
        let mut form = Zeroizing::new(Vec::with_capacity(2 * units + 2));
        self.text.encode_utf16().for_each(|unit| form.extend_from_slice(&unit.to_be_bytes()));
        form
    }

    /// `None` where that is the same as UTF-8, or cannot express a character.
    fn windows_1251(&self) -> Option<Octets> {
        if self.text.is_ascii() {
            return None;
        }
        let mut form = Zeroizing::new(Vec::with_capacity(self.text.len()));
        for character in self.text.chars() {
            form.push(windows_1251(character)?);
        }
        Some(form)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Password(..)")
    }
}

/// The characters that a Ukrainian keyboard types.
fn windows_1251(character: char) -> Option<u8> {
    let code = u32::from(character);
    Some(match character {
        '\0'..='\x7f' => u8::try_from(code).ok()?,
        'А'..='я' => u8::try_from(code - 0x0410 + 0xc0).ok()?,
        'Ё' => 0xa8,
        'ё' => 0xb8,
        'Є' => 0xaa,
        'є' => 0xba,
        'І' => 0xb2,
        'і' => 0xb3,
        'Ї' => 0xaf,
        'ї' => 0xbf,
        'Ґ' => 0xa5,
        'ґ' => 0xb4,
        '’' => 0x92,
        '№' => 0xb9,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(forms: Vec<Octets>) -> Vec<Vec<u8>> {
        forms.iter().map(|form| form.to_vec()).collect()
    }

    #[test]
    fn ascii_has_one_octet_form_and_two_wide_ones() {
        let password = Password::new("ab");
        assert_eq!(plain(password.octets()), [b"ab"]);
        assert_eq!(plain(password.bmp_forms()), [&b"\0a\0b\0\0"[..], b"\0a\0b"]);
        assert_eq!(plain(Password::new("").bmp_forms()), [&[0, 0][..], &[]]);
    }

    #[test]
    fn ukrainian_letters_have_their_windows_form() {
        let password = Password::new("Їж№ґ");
        assert_eq!(plain(password.octets()), ["Їж№ґ".as_bytes(), &[0xaf, 0xe6, 0xb9, 0xb4]]);
        let forms = plain(password.bmp_forms());
        assert_eq!(forms.len(), 6);
        assert_eq!(forms[0], [0x04, 0x07, 0x04, 0x36, 0x21, 0x16, 0x04, 0x91, 0, 0]);
        assert_eq!(forms[4], [0, 0xaf, 0, 0xe6, 0, 0xb9, 0, 0xb4]);
        assert_eq!(forms[5], [0, 0xaf, 0, 0xe6, 0, 0xb9, 0, 0xb4, 0, 0]);
    }

    #[test]
    fn what_windows_cannot_write_has_no_such_form() {
        assert_eq!(plain(Password::new("日").octets()), ["日".as_bytes()]);
        assert_eq!(*Password::new("😀").utf16(), [0xd8, 0x3d, 0xde, 0x00]);
    }

    #[test]
    fn debug_is_silent() {
        assert_eq!(format!("{:?}", Password::new("secret")), "Password(..)");
    }
}
