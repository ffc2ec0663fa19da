use super::*;

const HROMADA: &str = "UA05020030000031457";
const SETTLEMENT: &str = "UA05020030010063857";
const OBLAST: &str = "UA05000000000010236";
const OTHER_OBLAST: &str = "UA50000000000015000";
const KYIV: &str = "UA80000000000093317";
const DISTRICT_OF_KYIV: &str = "UA80000000000126643";

fn area(text: &str) -> AreaCode {
    text.parse().unwrap()
}

#[test]
fn a_leading_zero_survives() {
    let code: Edrpou = "00032684".parse().unwrap();
    assert_eq!(serde_json::to_string(&code).unwrap(), "\"00032684\"");
    assert_eq!(serde_json::from_str::<Edrpou>("\"00032684\"").unwrap(), code);
    assert!(serde_json::from_str::<Edrpou>("32684").is_err());
}

#[test]
fn malformed_addresses_are_refused() {
    for text in ["", "1234567", "123456789", "1234567a", "１２３４５６７８"] {
        assert_eq!(text.parse::<Edrpou>(), Err(InvalidAddress::Edrpou), "{text}");
    }
    for text in ["00000001", "00000001.", "00000001.Chancellery", "00000001.a/b", "00000001.a.b", "1.chancellery"] {
        assert_eq!(text.parse::<MailboxId>(), Err(InvalidAddress::Mailbox), "{text}");
    }
    for text in ["", ".x", "Letter", "letter ", "1letter"] {
        assert_eq!(text.parse::<DocumentKind>(), Err(InvalidAddress::DocumentKind), "{text}");
        assert_eq!(text.parse::<ServiceName>(), Err(InvalidAddress::ServiceName), "{text}");
        assert_eq!(text.parse::<RetentionClass>(), Err(InvalidAddress::RetentionClass), "{text}");
    }
    for text in ["", "0000001", "00000001.", "00000001.A", "chancellery"] {
        assert_eq!(text.parse::<Addressee>(), Err(InvalidAddress::Addressee), "{text}");
    }
}

#[test]
fn an_area_that_only_looks_like_one_is_refused() {
    // Cyrillic А behind a Latin U; full-width digits; a superscript; lower case; too short, too long; no oblast.
    for text in [
        "U\u{410}05020030010063857",
        "UA0502003001006385\u{ff17}",
        "UA0502003001006385\u{b2}",
        "ua05020030010063857",
        "UA0502003001006385",
        "UA050200300100638570",
        "UA00020030010063857",
        "UA 5020030010063857",
        "",
    ] {
        assert_eq!(text.parse::<AreaCode>(), Err(InvalidAddress::AreaCode), "{text}");
    }
    assert_eq!(serde_json::to_string(&area(SETTLEMENT)).unwrap(), format!("\"{SETTLEMENT}\""));
}

#[test]
fn an_area_holds_what_lies_in_it_and_nothing_else() {
    for (wide, narrow) in [
        (OBLAST, HROMADA),
        (OBLAST, SETTLEMENT),
        (HROMADA, SETTLEMENT),
        (SETTLEMENT, SETTLEMENT),
        (KYIV, DISTRICT_OF_KYIV),
    ] {
        assert!(area(wide).holds(&area(narrow)), "{wide} {narrow}");
        assert_eq!(area(narrow).holds(&area(wide)), wide == narrow, "{narrow} {wide}");
    }
    // 05 and 50: a zero inside a level is a digit, not an end.
    assert!(!area(OBLAST).holds(&area(OTHER_OBLAST)));
    assert!(!area(OTHER_OBLAST).holds(&area(HROMADA)));
}

#[test]
fn an_area_widens_level_by_level() {
    let widening = |text: &str| {
        let levels = std::iter::successors(Some(area(text).levels()), |levels| levels.wider());
        levels.map(|levels| levels.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(widening(SETTLEMENT), ["050200300100", "050200300000", "050200000000", "050000000000"]);
    assert_eq!(widening(DISTRICT_OF_KYIV), ["800000000001", "800000000000"]);
}

#[test]
fn an_address_is_a_participant_or_one_of_its_mailboxes() {
    for text in ["00032684", "00032684.archive"] {
        let addressee: Addressee = text.parse().unwrap();
        assert_eq!((addressee.to_string().as_str(), addressee.participant().as_str()), (text, "00032684"));
    }
}
