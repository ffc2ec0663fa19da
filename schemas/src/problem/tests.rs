//! The table of refusals as a whole.

use super::*;
use std::collections::BTreeSet;

#[test]
fn codes_are_unique_and_well_formed() {
    let codes: BTreeSet<_> = ProblemCode::ALL.iter().map(|c| c.as_str()).collect();
    assert_eq!(codes.len(), ProblemCode::ALL.len());
    for code in codes {
        assert!(code.bytes().all(|b| b.is_ascii_lowercase() || b == b'.' || b == b'_'), "{code}");
        assert_eq!(code.matches('.').count(), 1, "{code}");
    }
}

#[test]
fn every_code_speaks_both_languages() {
    for code in ProblemCode::ALL {
        assert!(code.text_en().is_ascii() && code.text_en().ends_with('.'), "{code}");
        assert!(code.text_uk().chars().any(|c| ('а'..='я').contains(&c)) && code.text_uk().ends_with('.'), "{code}");
    }
}
