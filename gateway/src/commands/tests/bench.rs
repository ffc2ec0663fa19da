//! A folder with a signer, a recipient, anchors and revocation data, made at run time.

use std::path::{Path, PathBuf};

use certs::certificate::Certificate;
use certs::dev::{DevPki, Identity, Profile, Usage};
use certs::revocation::ocsp_request;
use crypto::key::{Curve, KeyKind};
use time::{Duration, OffsetDateTime};

use super::{Seen, vuzol};

pub(super) struct Bench {
    folder: tempfile::TempDir,
    pub(super) pki: DevPki,
    now: OffsetDateTime,
}

impl Bench {
    /// Anchors in `anchors/` with what is known of the authorities' revocation; a signer in `signer.{pem,key}`.
    pub(super) fn new() -> Self {
        let now = OffsetDateTime::now_utc() - Duration::minutes(5);
        let pki = DevPki::new(now, Duration::days(10), "http://ocsp.invalid/").unwrap();
        let bench = Self { folder: tempfile::tempdir().unwrap(), pki, now };
        std::fs::create_dir(bench.path("anchors")).unwrap();
        bench.write("anchors/root.pem", bench.pki.root().to_pem().as_bytes());
        bench.write("issuing.pem", bench.pki.issuing_ca().to_pem().as_bytes());
        bench.know_status(bench.pki.issuing_ca(), bench.pki.root(), "issuing");
        bench.write("anchors/list.crl", &bench.pki.crl(now).unwrap());
        let signer = bench.issue("signer", Usage::Signing, KeyKind::Ec(Curve::P256));
        bench.know_status(&signer.certificate, bench.pki.issuing_ca(), "signer");
        bench
    }

    /// The signer's certificate.
    pub(super) fn signer_der(&self) -> Vec<u8> {
        let pem = String::from_utf8(self.read("signer.pem")).unwrap();
        Certificate::from_pem(&pem).unwrap().remove(0).der().to_vec()
    }

    /// Issues to `name.pem` and `name.key`.
    pub(super) fn issue(&self, name: &str, usage: Usage, key: KeyKind) -> Identity {
        let identity = self
            .pki
            .issue(Profile {
                common_name: name.to_owned(),
                organisation: Some("Agency".to_owned()),
                edrpou: Some("99000001".to_owned()),
                rnokpp: None,
                usage,
                key,
                not_before: self.now,
                not_after: self.now + Duration::days(5),
                dns_names: Vec::new(),
            })
            .unwrap();
        self.write(&format!("{name}.pem"), identity.certificate.to_pem().as_bytes());
        self.write(&format!("{name}.key"), identity.key.to_pkcs8_pem().unwrap().as_bytes());
        identity
    }

    /// Revokes, and lets the anchors folder know.
    pub(super) fn revoke(&self, identity: &Identity, name: &str) {
        self.pki.revoke(&identity.certificate, self.now, 1);
        self.write("anchors/list.crl", &self.pki.crl(OffsetDateTime::now_utc()).unwrap());
        self.know_status(&identity.certificate, self.pki.issuing_ca(), name);
    }

    /// Lets the anchors folder know that a certificate of the issuing authority is good.
    pub(super) fn know(&self, name: &str, certificate: &Certificate) {
        self.know_status(certificate, self.pki.issuing_ca(), name);
    }

    fn know_status(&self, certificate: &Certificate, issuer: &Certificate, name: &str) {
        let answer = self.pki.answer_ocsp(&ocsp_request(certificate, issuer, None), OffsetDateTime::now_utc());
        self.write(&format!("anchors/{name}.ocsp"), &answer);
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A path as an argument.
    pub(super) fn at(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    pub(super) fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        #[cfg(unix)]
        if path.extension().is_some_and(|ending| ending == "key") {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
    }

    pub(super) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    pub(super) fn exists(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// Every file below the folder itself, to see that nothing was left behind.
    pub(super) fn leftovers(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.extension().is_some_and(|ending| ending == "partial")).collect()
    }

    /// `vuzol` with words; a word that begins with `@` is a path in the folder.
    pub(super) fn vuzol(&self, line: &str) -> Seen {
        let words: Vec<String> = line
            .split_whitespace()
            .map(|word| word.strip_prefix('@').map_or_else(|| word.to_owned(), |name| self.at(name)))
            .collect();
        vuzol(&words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Signs with the signer and says that it worked.
    pub(super) fn sign(&self, line: &str) {
        let seen = self.vuzol(&format!("sign --key @signer.key --certificate @signer.pem --chain @issuing.pem {line}"));
        assert_eq!((seen.code, seen.err.as_str()), (0, ""), "sign {line}");
    }
}

/// The DER of a SEQUENCE in indefinite length, as streaming signers write it.
pub(super) fn indefinite(der: &[u8]) -> Vec<u8> {
    let header = match der[1] {
        short if short < 0x80 => 2,
        long => 2 + usize::from(long & 0x7f),
    };
    [&[der[0], 0x80], &der[header..], &[0, 0]].concat()
}

pub(super) fn name_of(path: &Path) -> String {
    path.display().to_string()
}
