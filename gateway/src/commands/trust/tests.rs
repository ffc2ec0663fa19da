use super::*;
use crate::commands::terminal::Language;
use certs::dev::DevPki;
use time::macros::datetime;

const NOW: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);

/// The folders of a node.
struct Ground {
    directory: tempfile::TempDir,
    trust: TrustConfig,
}

impl Ground {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let folder = |name: &str| {
            let path = directory.path().join(name);
            std::fs::create_dir(&path).unwrap();
            path
        };
        let trust = TrustConfig {
            signing: folder("signing"),
            login: folder("login"),
            encryption: folder("encryption"),
            timestamping: folder("timestamping"),
            intermediates: Some(folder("intermediates")),
            lists: Some(folder("lists")),
        };
        Self { directory, trust }
    }

    fn listed(&self) -> String {
        told(|terminal| list(&self.trust, NOW, terminal)).1
    }

    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }
}

/// The result, and what was printed.
fn told(act: impl FnOnce(&mut Terminal<'_>) -> Result<u8, Failure>) -> (Result<u8, Failure>, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let result = act(&mut Terminal::new(&mut out, &mut err, Language::English));
    (result, String::from_utf8(out).unwrap())
}

fn pki() -> DevPki {
    DevPki::new(NOW, Duration::days(100), "").unwrap()
}

fn fingerprint(certificate: &Certificate) -> String {
    hex(&certificate.fingerprint())
}

#[test]
fn what_is_added_is_listed_and_what_is_removed_is_not() {
    let (ground, pki) = (Ground::new(), pki());
    let both = [pki.root().clone(), pki.issuing_ca().clone()];
    for purpose in [Purpose::Signing, Purpose::Login] {
        add(&ground.trust, purpose, &both).unwrap();
        add(&ground.trust, purpose, &both).unwrap();
    }
    let listed = ground.listed();
    assert_eq!(listed.lines().count(), 2, "{listed}");
    assert!(listed.lines().all(|line| line.contains("signing,login")), "{listed}");
    remove(&ground.trust, &fingerprint(pki.root()), &[Purpose::Login]).unwrap();
    let listed = ground.listed();
    assert!(listed.lines().any(|line| line.contains(&fingerprint(pki.root())) && !line.contains("login")), "{listed}");
    remove(&ground.trust, &fingerprint(pki.root()).to_uppercase(), &[]).unwrap();
    assert_eq!(ground.listed().lines().count(), 1);
}

#[test]
fn the_last_anchor_stays_and_others_in_its_file_do_too() {
    let (ground, pki) = (Ground::new(), pki());
    let text = pki.root().to_pem() + &pki.issuing_ca().to_pem();
    std::fs::write(ground.trust.signing.join("both.pem"), text).unwrap();
    remove(&ground.trust, &fingerprint(pki.root()), &[]).unwrap();
    assert!(ground.listed().contains(&fingerprint(pki.issuing_ca())));
    let last = remove(&ground.trust, &fingerprint(pki.issuing_ca()), &[]).unwrap_err();
    assert!(matches!(&last, Failure::Refused(why) if why.contains("last anchor for signing")), "{last}");
    assert!(matches!(remove(&ground.trust, &fingerprint(pki.root()), &[]), Err(Failure::Refused(_))));
}

#[test]
fn stale_ones_are_named() {
    let ground = Ground::new();
    let old = DevPki::new(NOW - Duration::days(200), Duration::days(100), "").unwrap();
    let ending = DevPki::new(NOW, Duration::days(20), "").unwrap();
    add(&ground.trust, Purpose::Signing, &[old.root().clone(), ending.root().clone(), pki().root().clone()]).unwrap();
    let list = old.crl(NOW - Duration::days(150)).unwrap();
    std::fs::write(ground.trust.lists.as_ref().unwrap().join("old.crl"), list).unwrap();
    let listed = ground.listed();
    for (word, count) in [("EXPIRED", 1), ("expires soon", 1), ("OUT OF DATE", 1)] {
        assert_eq!(listed.matches(word).count(), count, "{word}: {listed}");
    }
    assert_eq!(listed.lines().count(), 4);
}

#[test]
fn a_bundle_moves_trust_only_with_its_digest() {
    let (source, target, pki) = (Ground::new(), Ground::new(), pki());
    add(&source.trust, Purpose::Signing, std::slice::from_ref(pki.root())).unwrap();
    add(&source.trust, Purpose::Intermediate, std::slice::from_ref(pki.issuing_ca())).unwrap();
    let list = |at| Crl::from_vec(pki.crl(at).unwrap()).unwrap();
    let (older, newer) = (list(NOW - Duration::hours(1)), list(NOW));
    let bundle = |list: &Crl| {
        let certificates =
            vec![("signing".to_owned(), pki.root().clone()), ("intermediate".to_owned(), pki.issuing_ca().clone())];
        Bundle { certificates, lists: vec![list.clone()] }.to_text()
    };
    let (text, stale) = (bundle(&newer), bundle(&older));
    let file = target.file("bundle", &text);
    let digest = hex(&sha256(text.as_bytes()));
    let other = told(|terminal| import(&target.trust, &file, &"0".repeat(64), terminal)).0;
    assert!(matches!(other, Err(Failure::Refused(_))));
    assert_eq!(target.listed(), "", "nothing was changed");
    told(|terminal| import(&target.trust, &file, &digest, terminal)).0.unwrap();
    assert_eq!(target.listed().lines().count(), 3);
    let before = target.listed();
    let file = target.file("stale", &stale);
    let digest = hex(&sha256(stale.as_bytes()));
    told(|terminal| import(&target.trust, &file, &digest, terminal)).0.unwrap();
    assert_eq!(target.listed(), before, "an older list replaces nothing");
}
