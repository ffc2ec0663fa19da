//! Names of entries: which are accepted, and when two of them are twins.
//!
//! A name is UTF-8 (whether or not the entry's flag says so: many producers forget it), a relative path with `/` between its
//! components. Two names are twins if a file system or a person could take one for the other: the same after lower-casing, composing
//! (Unicode normal form C), and dropping the dots and spaces at the end of a component, which Windows drops. Names in normal form D, as
//! macOS writes them, are accepted as long as they have no twin. Characters that do not show are refused altogether.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;

use super::ContainerError;

/// Octets of a name. File systems stop at 255 for a component.
pub const LONGEST_NAME: usize = 1024;

/// The name as text, if it may stand.
pub(super) fn read(bytes: &[u8]) -> Result<&str, ContainerError> {
    if bytes.len() > LONGEST_NAME {
        return Err(ContainerError::NameLength);
    }
    let name = std::str::from_utf8(bytes).map_err(|_| ContainerError::NameEncoding)?;
    if name.chars().any(is_invisible) {
        return Err(ContainerError::EntryName);
    }
    let path = name.strip_suffix('/').unwrap_or(name);
    let drive = matches!(path.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic());
    if drive || name.contains('\\') || path.split('/').any(|component| matches!(component, "" | "." | "..")) {
        return Err(ContainerError::PathTraversal);
    }
    Ok(name)
}

/// Control characters, those that change the direction of the text, and those without width.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{feff}' | '\u{2028}' | '\u{2029}')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Each name may stand, and they are distinct.
pub(in crate::asic) fn check<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Result<(), ContainerError> {
    names.clone().try_for_each(|name| read(name.as_bytes()).map(|_| ()))?;
    check_distinct(names)
}

/// No two names are the same or twins, and no file is the folder of another.
pub(super) fn check_distinct<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Result<(), ContainerError> {
    let (mut exact, mut keys) = (BTreeSet::new(), BTreeSet::new());
    for name in names.clone() {
        if !exact.insert(name) {
            return Err(ContainerError::DuplicateEntry);
        }
        if !keys.insert(key(name)) {
            return Err(ContainerError::TwinNames);
        }
    }
    let files: BTreeSet<String> = names.clone().filter(|name| !name.ends_with('/')).map(key).collect();
    let folder_is_file = |name: &str| {
        let key = key(name);
        key.match_indices('/').any(|(at, _)| key.get(..at).is_some_and(|folder| files.contains(folder)))
    };
    if names.clone().any(folder_is_file) { Err(ContainerError::TwinNames) } else { Ok(()) }
}

/// What twins share.
fn key(name: &str) -> String {
    let path = name.strip_suffix('/').unwrap_or(name);
    let dropped: Vec<&str> = path.split('/').map(|component| component.trim_end_matches(['.', ' '])).collect();
    dropped.join("/").to_lowercase().nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_stand() {
        for name in
            ["a.txt", "META-INF/", "META-INF/signature.p7s", "Довідка № 5 (копія).pdf", "a..b", "100%", ".hidden"]
        {
            assert_eq!(read(name.as_bytes()), Ok(name));
        }
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for name in ["", "/", "../a", "a/../b", "a/..", "./a", "/a", "a//b", "a\\b", "C:a", "c:/a", "a/./b", ".."] {
            assert_eq!(read(name.as_bytes()), Err(ContainerError::PathTraversal), "{name:?}");
        }
    }

    #[test]
    fn names_that_do_not_show_what_they_are_are_refused() {
        for name in ["a\0.txt", "a\n", "a\u{7f}", "gpj.\u{202e}exe", "a\u{200b}.txt", "\u{feff}a", "a\u{85}"] {
            assert_eq!(read(name.as_bytes()), Err(ContainerError::EntryName), "{name:?}");
        }
        assert_eq!(read(b"\xe0\xe1.txt"), Err(ContainerError::NameEncoding));
        assert_eq!(read(&[b'a'; LONGEST_NAME + 1]), Err(ContainerError::NameLength));
        assert!(read(&[b'a'; LONGEST_NAME]).is_ok());
    }

    #[test]
    fn twins_are_found() {
        for twins in [
            ["a.txt", "A.TXT"],
            ["Заява.pdf", "ЗАЯВА.pdf"],
            ["Київ", "Киі\u{308}в"],
            ["a.txt", "a.txt."],
            ["a", "a/"],
            ["a", "A/b"],
            ["x/a /b", "x/a/b"],
            ["K", "\u{212a}"],
        ] {
            assert_eq!(check_distinct(twins.into_iter()), Err(ContainerError::TwinNames), "{twins:?}");
        }
        assert_eq!(check_distinct(["a", "a"].into_iter()), Err(ContainerError::DuplicateEntry));
        assert_eq!(check_distinct(["a", "b", "c/", "c/a", "Киі\u{308}в", "ab"].into_iter()), Ok(()));
    }
}
