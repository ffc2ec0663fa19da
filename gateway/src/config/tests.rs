use schemas::purpose::Purpose;

use super::*;
use schemas::trust::TrustPurpose;

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/vuzol.example.toml");

fn load(text: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("vuzol.toml");
    std::fs::write(&file, text).unwrap();
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::from_sources(&file, variables).map_err(|e| e.0)
}

fn example() -> String {
    std::fs::read_to_string(EXAMPLE).unwrap()
}

/// Every key that a configuration can carry, as `section.key`.
fn keys_of(toml: &str) -> BTreeSet<String> {
    let mut section = String::new();
    let mut keys = BTreeSet::new();
    for line in toml.lines().map(|line| line.trim_start_matches("# ").trim_start_matches('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name.to_owned();
        } else if let Some((key, _)) = line.split_once(" = ") {
            keys.insert(format!("{section}.{key}"));
        }
    }
    keys
}

/// A verifier key of a witness.
const WITNESS: &str = "witness.example/w1+eb762cc2+BNdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";

fn complete() -> Config {
    let mut config = load(&example(), &[]).unwrap();
    config.trust.intermediates = Some("/i".into());
    config.trust.lists = Some("/l".into());
    config.access.identity_key = Some("/i \"1\"".into());
    let participant = ParticipantLimits { burst: 7, ..ParticipantLimits::default() };
    let (connections, handshakes, submissions) = (Some(1), Some(1), Some(8));
    let logins = LoginLimits { address_burst: 9, ..LoginLimits::default() };
    config.limits = LimitsConfig { document_bytes: Some(1), connections, handshakes, submissions, participant, logins };
    config.revocation.allowed_hosts = vec!["ocsp.example:8080".to_owned()];
    config.seal.ring = Some("/ring".into());
    config.log.national_key = Some("/n".into());
    config.log.payload_key = Some("/p \"2\"".into());
    config.log.public = Some(SocketAddr::from(([127, 0, 0, 1], 8446)));
    config.log.witnesses = WitnessesConfig {
        list: vec![WitnessConfig { url: "https://witness.example/vuzol".to_owned(), key: WITNESS.to_owned() }],
        tls_roots: Some("/t \"1\"".into()),
        stop_after_hours: Some(48),
        ..WitnessesConfig::default()
    };
    config.log.anchors.authority = Some("http://tsa.example/tsp".to_owned());
    config.scan.clamd = Some(ClamdAddress::Unix("/c \"1\"".into()));
    config.scan.unavailable = exchange::scan::Unavailable::Mark;
    config.webhooks.tls_roots = Some("/w".into());
    config.webhooks.private_hosts = vec!["10.1.2.3:8443".to_owned()];
    config.trusted_lists.tls_roots = Some("/r".into());
    let login = KeyPairFiles { certificate: "/c".into(), key: "/k".into() };
    let (authorities, evidence) = ("/a \"1\"".into(), "/e".into());
    let (name, url) = ("other.example".to_owned(), "https://other.example:8443".to_owned());
    let peers = vec![PeerConfig { name, url, authorities, login: "/l".into(), evidence }];
    config.relay = RelayConfig { login: Some(login), give_up_hours: 1, at_once: 2, peers };
    let portal = |origin: &str, port| {
        let listen = SocketAddr::from(([127, 0, 0, 1], port));
        Some(PortalConfig { origin: origin.to_owned(), listen })
    };
    config.portals.secret = Some("/s \"2\"".into());
    config.portals.internal = portal("https://office.example", 8444);
    config.portals.external = portal("https://cabinet.example:8445", 8445);
    config.portals.sessions_of_person = 7;
    config.portals.providers = vec![provider()];
    config.portals.enrol_applicants = false;
    config.break_glass.minutes = 15;
    config.alerts.bulk_looks = 7;
    config.alerts.work_days = vec!["sun".to_owned()];
    config.alerts.time_zone = Some("+02:00".to_owned());
    config.alerts.webhook = Some("https://siem.example/\"1\"".to_owned());
    config.alerts.webhook_secret = Some("/s".into());
    config.alerts.syslog = Some("siem.example:6514".to_owned());
    config.alerts.syslog_roots = Some("/r".into());
    config.retention.commission = vec!["/m \"1\"".into(), "/m2".into()];
    let five_years = ClassConfig { days: Some(1826), permanent: false };
    config.retention.classes.insert("letters".to_owned(), five_years);
    let (name, uk, en) = ("review".parse().unwrap(), "Розгляд \"заяви\".".to_owned(), "Review.".to_owned());
    config.purposes.list = vec![Purpose { name, uk, en, legal_ground: "Law 1, Art. 2".to_owned() }];
    config.policies.bundle = Some("/p \"1\"".into());
    config.policies.signers = vec!["/q".into(), "/r".into()];
    config.policies.signatures = 2;
    let signers = "/s \"1\"".into();
    let (location, territories) = ("https://lists.example/ua.xml".to_owned(), vec!["UA".to_owned()]);
    let purposes = vec![TrustPurpose::Signing, TrustPurpose::Login];
    config.trusted_lists.lists =
        vec![TrustedListConfig { name: "UA".to_owned(), location, signers, territories, purposes }];
    config
}

fn provider() -> ProviderConfig {
    let text = |text: &str| text.to_owned();
    ProviderConfig {
        name: text("gov"),
        portals: vec![schemas::access::Portal::Internal, schemas::access::Portal::External],
        issuer: text("https://id.example/realm"),
        hosts: vec![text("keys.id.example:8443")],
        tls_roots: "/r \"3\"".into(),
        client_id: text("vuzol"),
        client_secret: None,
        client_key: Some("/k".into()),
        client_key_id: Some(text("1")),
        algorithms: access::openid::keys::TokenAlgorithm::ALL.to_vec(),
        scopes: vec![text("openid"), text("profile")],
        claims: ClaimsConfig { rnokpp: text("tax_number"), ..ClaimsConfig::default() },
        user_info: true,
        assurance: vec![text("high")],
        max_age_seconds: Some(300),
    }
}

/// A key, or those of the section that it is.
fn named(section: &str, key: &str, value: &serde_json::Value) -> Vec<String> {
    match value.as_object() {
        Some(inner) if ["participant", "logins", "witnesses", "anchors"].contains(&key) => {
            inner.keys().map(|inner| format!("{section}.{key}.{inner}")).collect()
        }
        Some(inner) if key == "classes" => {
            let keys = |(class, keys): (&String, &serde_json::Value)| {
                let keys = keys.as_object().unwrap().keys();
                keys.map(|inner| format!("{section}.{key}.{class}.{inner}")).collect::<Vec<_>>()
            };
            inner.iter().flat_map(keys).collect()
        }
        // A pair of files, in one line.
        _ => vec![format!("{section}.{key}")],
    }
}

#[test]
fn the_example_loads_and_shows_every_key() {
    let config = load(&example(), &[]).unwrap();
    assert!(config.tls.key.is_absolute(), "relative paths are relative to the file");
    let json = serde_json::to_value(complete()).unwrap();
    let known: BTreeSet<String> = json
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(section, keys)| {
            keys.as_object().unwrap().iter().flat_map(move |(key, value)| named(section, key, value))
        })
        .collect();
    assert_eq!(keys_of(&example()), known);
}

#[test]
fn what_is_written_is_read_back() {
    let mut config = complete();
    config.storage.database = "/with \"quotes\" \\ and\ttab".into();
    assert_eq!(load(&config.to_toml(), &[]).unwrap(), config);
    // Who signs is this process or another one.
    let mut written = keys_of(&config.to_toml());
    // It stands instead of the list, and cannot be written beside it.
    assert!(written.insert("log.witnesses.policy".to_owned()));
    let signer = RemoteSignerConfig { socket: "/s \"1\"".into(), key: "n+1+k".to_owned() };
    config.log =
        LogConfig { signer: Some(signer), key: "".into(), signer_state: "".into(), national_key: None, ..config.log };
    // The clock is stated one way or the other.
    (config.alerts.time_zone, config.alerts.utc_offset_minutes) = (None, Some(180));
    assert_eq!(load(&config.to_toml(), &[]).unwrap(), config);
    written.extend(keys_of(&config.to_toml()));
    assert_eq!(written, keys_of(&example()));
    config.log.key = "/k".into();
    assert!(load(&config.to_toml(), &[]).unwrap_err().contains("log.signer"));
}

#[test]
fn portals_that_could_not_be_kept_apart_are_refused() {
    let wrong = |internal: &str, external: &str, secret: bool| {
        let mut config = complete();
        let portals = &mut config.portals;
        portals.internal.as_mut().unwrap().origin = internal.to_owned();
        portals.external.as_mut().unwrap().origin = external.to_owned();
        if !secret {
            portals.secret = None;
        }
        load(&config.to_toml(), &[]).err()
    };
    let (office, cabinet) = ("https://office.example", "https://cabinet.example");
    assert_eq!(wrong(office, cabinet, true), None);
    assert!(wrong(office, cabinet, false).unwrap().contains("portals.secret"));
    assert!(wrong(office, "https://office.example:8443", true).unwrap().contains("another host"));
    for origin in [
        "http://office.example",
        "https://Office.example",
        "https://office.example/",
        "office.example",
        "https://o.example:443",
    ] {
        assert!(wrong(origin, cabinet, true).unwrap().contains("portals.internal"), "{origin}");
    }
}

#[test]
fn a_provider_that_could_not_be_told_apart_or_believed_is_refused() {
    let with = |change: &dyn Fn(&mut ProviderConfig)| {
        let mut config = complete();
        change(&mut config.portals.providers[0]);
        load(&config.to_toml(), &[]).err()
    };
    assert_eq!(with(&|_| ()), None);
    type Change<'a> = (&'a str, &'a dyn Fn(&mut ProviderConfig));
    let changes: &[Change<'_>] = &[
        ("a-z", &|provider| provider.name = "Gov".to_owned()),
        ("a-z", &|provider| provider.name = "gov/x".to_owned()),
        ("portals", &|provider| provider.portals.clear()),
        ("issuer", &|provider| provider.issuer = "http://id.example".to_owned()),
        ("issuer", &|provider| provider.issuer = "https://id.example/?x".to_owned()),
        ("hosts", &|provider| provider.hosts = vec!["https://id.example".to_owned()]),
        ("hosts", &|provider| provider.hosts = vec!["id.example/x".to_owned()]),
        ("client_id", &|provider| provider.client_id = "a b".to_owned()),
        ("client_secret", &|provider| provider.client_secret = Some("/s".into())),
        ("client_secret", &|provider| provider.client_key = None),
        ("algorithms", &|provider| provider.algorithms.clear()),
        ("scopes", &|provider| provider.scopes = vec!["profile".to_owned()]),
        ("claims", &|provider| provider.claims.unzr = String::new()),
        ("max_age", &|provider| provider.max_age_seconds = Some(86_401)),
    ];
    for (told, change) in changes {
        let error = with(change).unwrap_or_else(|| panic!("{told}"));
        assert!(error.contains("portals.providers") && error.contains(told), "{error}");
    }
    let text = complete().to_toml();
    for algorithm in ["none", "HS256", "RS1"] {
        assert!(load(&text.replace("\"ES256\"", &format!("\"{algorithm}\"")), &[]).is_err(), "{algorithm}");
    }
    let mut twice = complete();
    twice.portals.providers.push(provider());
    assert!(load(&twice.to_toml(), &[]).unwrap_err().contains("twice"));
}

#[test]
fn witnesses_that_could_not_be_asked_are_refused() {
    let with = |change: &dyn Fn(&mut WitnessesConfig)| {
        let mut config = complete();
        change(&mut config.log.witnesses);
        load(&config.to_toml(), &[]).err()
    };
    assert_eq!(with(&|_| ()), None);
    type Change<'a> = (&'a str, &'a dyn Fn(&mut WitnessesConfig));
    let changes: &[Change<'_>] = &[
        ("quorum", &|witnesses| witnesses.quorum = 0),
        ("quorum", &|witnesses| witnesses.quorum = 2),
        ("tls_roots", &|witnesses| witnesses.tls_roots = None),
        ("list", &|witnesses| witnesses.list[0].url = "ftp://witness.example/".to_owned()),
        ("list", &|witnesses| witnesses.list[0].url = "https://w.example/ x".to_owned()),
        ("list", &|witnesses| witnesses.list[0].url = "https://me:word@w.example/".to_owned()),
        ("list", &|witnesses| witnesses.list.push(witnesses.list[0].clone())),
        ("policy", &|witnesses| witnesses.policy = Some("/p".into())),
    ];
    for (told, change) in changes {
        let error = with(change).unwrap_or_else(|| panic!("{told}"));
        assert!(error.contains("log.witnesses") && error.contains(told), "{error}");
    }
    let policy = complete().log.witnesses.policy().unwrap().unwrap();
    assert_eq!(policy.witnesses()[0].url.as_deref(), Some("https://witness.example/vuzol".as_bytes()));
}

#[test]
fn unknown_keys_are_errors_that_name_the_key() {
    let error = load(&example().replace("public =", "publik ="), &[]).unwrap_err();
    assert!(error.contains("listen.publik") && error.contains("public, operator"), "{error}");
    let error = load(&format!("{}\n[extra]\nkey = 1\n", example()), &[]).unwrap_err();
    assert!(error.contains("extra"), "{error}");
    let error = load(&example(), &[("VUZOL_LIMITS__CONNECTION", "5")]).unwrap_err();
    assert!(error.contains("variable VUZOL_LIMITS__CONNECTION") && error.contains("connections"), "{error}");
    let error = load(&example(), &[("VUZOL_LIMIT", "5")]).unwrap_err();
    assert!(error.contains("VUZOL_LIMIT") && error.contains("VUZOL_SECTION__KEY"), "{error}");
}

#[test]
fn a_missing_key_is_named_with_its_section() {
    let error = load(&example().replace("name = \"vuzol.example.gov.ua\"", ""), &[]).unwrap_err();
    assert!(error.contains("node.name") && error.contains("missing"), "{error}");
}

#[test]
fn values_out_of_bounds_are_refused() {
    for (name, value, key) in [
        ("VUZOL_NODE__NAME", "two words", "node.name"),
        ("VUZOL_NODE__NAME", "a+b", "node.name"),
        ("VUZOL_LOG__ROUND_MILLISECONDS", "1", "log.round_milliseconds"),
        ("VUZOL_LOG__PUBLIC", "nowhere", "log.public"),
        ("VUZOL_LOG__WITNESSES", "{interval_seconds=0}", "log.witnesses.interval_seconds"),
        ("VUZOL_LOG__WITNESSES", "{timeout_seconds=121}", "log.witnesses.timeout_seconds"),
        ("VUZOL_LOG__WITNESSES", "{alarm_minutes=0}", "log.witnesses.alarm_minutes"),
        ("VUZOL_LOG__WITNESSES", "{stop_after_hours=1}", "log.witnesses.stop_after_hours"),
        ("VUZOL_LOG__WITNESSES", "{list=[{url=\"http://w.example/\",key=\"none\"}]}", "log.witnesses.list"),
        (
            "VUZOL_LOG__WITNESSES",
            "{list=[{url=\"http://w.example/\",key=\"none\"}],policy=\"p\"}",
            "log.witnesses.policy",
        ),
        ("VUZOL_LOG__ANCHORS", "{authority=\"https://tsa.example/\"}", "log.anchors.authority"),
        ("VUZOL_LOG__ANCHORS", "{minutes=0}", "log.anchors.minutes"),
        ("VUZOL_LOG__ANCHORS", "{minutes=60,alarm_minutes=60}", "log.anchors.alarm_minutes"),
        ("VUZOL_LIMITS__DOCUMENT_BYTES", "2147483649", "limits.document_bytes"),
        ("VUZOL_LIMITS__DOCUMENT_BYTES", "many", "limits.document_bytes"),
        ("VUZOL_LIMITS__CONNECTIONS", "0", "limits.connections"),
        ("VUZOL_LIMITS__HANDSHAKES", "0", "limits.handshakes"),
        ("VUZOL_LIMITS__SUBMISSIONS", "7", "limits.submissions"),
        ("VUZOL_LIMITS__PARTICIPANT", "{burst=0}", "limits.participant.burst"),
        ("VUZOL_LIMITS__PARTICIPANT", "{bursts=1}", "limits.participant.bursts"),
        ("VUZOL_SCAN__CLAMD", "/run/clamd.ctl", "scan.clamd"),
        ("VUZOL_SCAN__CLAMD", "unix:clamd.ctl", "scan.clamd"),
        ("VUZOL_SCAN__CLAMD", "tcp:localhost", "scan.clamd"),
        ("VUZOL_SCAN__CLAMD", "tcp:localhost:0", "scan.clamd"),
        ("VUZOL_SCAN__CLAMD", "tcp:user@localhost:3310", "scan.clamd"),
        ("VUZOL_SCAN__CLAMD", "tcp:localhost:3310/path", "scan.clamd"),
        ("VUZOL_SCAN__UNAVAILABLE", "ignore", "scan.unavailable"),
        ("VUZOL_SCAN__MAXIMUM_BYTES", "0", "scan.maximum_bytes"),
        ("VUZOL_SCAN__MAXIMUM_BYTES", "2147483649", "scan.maximum_bytes"),
        ("VUZOL_LISTEN__PUBLIC", "nowhere", "listen.public"),
        ("VUZOL_TRUSTED_LISTS__REFRESH_HOURS", "0", "trusted_lists.refresh_hours"),
        (
            "VUZOL_TRUSTED_LISTS__LISTS",
            "[{name=\"UA\",location=\"https://lists.example/\",signers=\"s\"}]",
            "trusted_lists.tls_roots",
        ),
        ("VUZOL_TRUSTED_LISTS__LISTS", "[{name=\"../UA\",location=\"ua.xml\",signers=\"s\"}]", "trusted_lists.lists"),
        ("VUZOL_RETENTION__CLASSES", "{standard={days=1}}", "classes.standard"),
        ("VUZOL_RETENTION__CLASSES", "{standard={permanent=false}}", "classes.standard"),
        ("VUZOL_RETENTION__CLASSES", "{standard={permanent=true},letters={days=0}}", "classes.letters"),
        ("VUZOL_RETENTION__CLASSES", "{standard={permanent=true},letters={days=36526}}", "classes.letters"),
        ("VUZOL_RETENTION__CLASSES", "{standard={permanent=true},Letters={days=1}}", "classes.Letters"),
        ("VUZOL_RETENTION__CLASSES", "{standard={year=1}}", "year"),
        ("VUZOL_POLICIES__BUNDLE", "policies.json", "policies.signers"),
        ("VUZOL_PURPOSES__LIST", "[{name=\"Review\",uk=\"a\",en=\"a\",legal_ground=\"a\"}]", "purposes.list"),
        ("VUZOL_PURPOSES__LIST", "[{name=\"review\",uk=\"a\",en=\"a\",legal_ground=\"\"}]", "purposes.list"),
        ("VUZOL_REVOCATION__ALLOWED_HOSTS", "[\"http://ocsp.example/\"]", "revocation.allowed_hosts"),
    ] {
        let error = load(&example(), &[(name, value)]).unwrap_err();
        assert!(error.contains(key), "{name}={value}: {error}");
    }
}

#[test]
fn the_environment_overrides_the_file() {
    let variables = [
        ("VUZOL_LISTEN__PUBLIC", "127.0.0.1:1"),
        ("VUZOL_REVOCATION__ALLOWED_HOSTS", "[\"127.0.0.1:8080\"]"),
        ("VUZOL_LIMITS__DOCUMENT_BYTES", "1024"),
        ("VUZOL_LOG", "debug"),
    ];
    let config = load(&example(), &variables).unwrap();
    assert_eq!(config.listen.public.port(), 1);
    assert_eq!(config.revocation.allowed_hosts, ["127.0.0.1:8080"]);
    assert_eq!(config.limits.document_bytes, Some(1024));
}

#[test]
fn without_a_word_nothing_is_scanned_and_with_one_the_unscanned_is_refused() {
    let config = load(&example(), &[]).unwrap();
    assert_eq!((config.seal.ring, config.scan.clamd), (None, None));
    let variables = [("VUZOL_SCAN__CLAMD", "tcp:[::1]:3310"), ("VUZOL_SEAL__RING", "ring")];
    let config = load(&example(), &variables).unwrap();
    assert_eq!(config.scan.clamd, Some(ClamdAddress::Tcp("[::1]:3310".to_owned())));
    assert_eq!(config.scan.unavailable, exchange::scan::Unavailable::Refuse);
    assert!(config.seal.ring.unwrap().is_absolute(), "relative to the file");
}

#[test]
fn without_a_word_everything_is_kept_for_ever_and_the_usual_class_must_be_there() {
    let text = example();
    let (before, from) = text.split_once("[retention]").unwrap();
    let after = from.split_once("[limits]").unwrap().1;
    let without = format!("{before}[limits]{after}");
    let config = load(&without, &[]).unwrap();
    assert_eq!(config.retention, RetentionConfig::default());
    assert_eq!(
        config.retention.classes().unwrap()[&schemas::RetentionClass::default()],
        exchange::retention::Keep::Permanent
    );
    let other = format!("{without}\n[retention.classes.letters]\ndays = 5\n");
    let error = load(&other, &[]).unwrap_err();
    assert!(error.contains("retention") && error.contains("standard"), "{error}");
}
