use super::*;

#[test]
fn a_channel_as_it_was_stated_before_there_were_terms_is_one_without() {
    let channel = r#"{"sender":"00000001","recipient":"00000002.chancellery","kinds":["letter"]}"#;
    let parsed: Channel = serde_json::from_str(channel).unwrap();
    assert_eq!(parsed.policy, None);
    assert_eq!(
        serde_json::to_string(&parsed).unwrap(),
        channel,
        "an older node would refuse a field that it does not know"
    );
}

#[test]
fn terms_that_are_left_out_are_those_of_a_channel_without() {
    let policy: ChannelPolicy = serde_json::from_str("{}").unwrap();
    assert_eq!(policy, ChannelPolicy::default());
    assert_eq!((policy.maximum_bytes, policy.hold_hours, policy.acknowledge_within_days), (DOCUMENT_BYTES, 0, 21));
    assert_eq!(
        (policy.signature, policy.retention.as_str(), policy.sealed_by_sender),
        (SignatureLevel::Advanced, "standard", false)
    );
    let policy: ChannelPolicy = serde_json::from_str(r#"{"signature":"qualified","hold_hours":720}"#).unwrap();
    assert_eq!((policy.signature, policy.check()), (SignatureLevel::Qualified, Ok(())));
    assert!(serde_json::from_str::<ChannelPolicy>(r#"{"signature":"simple"}"#).is_err());
    assert!(serde_json::from_str::<ChannelPolicy>(r#"{"hold_days":1}"#).is_err(), "a slip of the pen is no default");
}

#[test]
fn terms_beyond_their_bounds_are_named() {
    let refused = |json: &str| serde_json::from_str::<ChannelPolicy>(json).unwrap().check().unwrap_err().to_string();
    for (field, values) in [
        ("maximum_bytes", vec![0, DOCUMENT_BYTES + 1]),
        ("hold_hours", vec![721]),
        ("acknowledge_within_days", vec![0, 366]),
    ] {
        for value in values {
            let told = refused(&format!("{{\"{field}\":{value}}}"));
            assert!(told.starts_with(field), "{told}");
        }
    }
}

#[test]
fn a_capability_is_written_as_it_is_read() {
    for text in ["receive", "pull", "webhook", "rsa", "ecdh", "dstu", "kind:application.subsidy"] {
        assert_eq!(text.parse::<Capability>().unwrap().to_string(), text);
    }
    for text in ["", "letter", "kind:", "kind:Letter", "RSA"] {
        assert_eq!(text.parse::<Capability>(), Err(InvalidCapability), "{text}");
    }
}

#[test]
fn who_names_no_kinds_takes_any() {
    let (letter, report): (DocumentKind, DocumentKind) = ("letter".parse().unwrap(), "report".parse().unwrap());
    assert!(Reception::default().takes(&letter));
    let reception = Reception { kinds: vec![letter.clone()], ..Reception::default() };
    assert_eq!((reception.takes(&letter), reception.takes(&report)), (true, false));
}
