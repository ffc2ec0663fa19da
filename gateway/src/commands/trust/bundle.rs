//! The offline bundle: anchors, intermediates and revocation lists in one text file, which a person can read and carry.
//!
//! PEM blocks (RFC 7468) under lines `purpose: NAME`; the first line names the format. Whoever makes a bundle decides whom the
//! importing node believes, so a bundle is imported only with its SHA-256, which travels by another way.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs::certificate::Certificate;
use certs::revocation::Crl;

/// The first line.
const FORMAT: &str = "vuzol trust bundle 1";
const CERTIFICATE: &str = "CERTIFICATE";
const LIST: &str = "X509 CRL";
/// Blocks in a bundle: more certificates than the node keeps, and every list of a nation.
const BLOCKS: usize = 10_512;

/// What a bundle holds.
#[derive(Default)]
pub(super) struct Bundle {
    /// The certificates, each with the name of its purpose.
    pub(super) certificates: Vec<(String, Certificate)>,
    /// The revocation lists.
    pub(super) lists: Vec<Crl>,
}

impl Bundle {
    pub(super) fn to_text(&self) -> String {
        let mut text = format!("{FORMAT}\n");
        let mut purpose = "";
        for (name, certificate) in &self.certificates {
            if name != purpose {
                text.push_str(&format!("\npurpose: {name}\n"));
                purpose = name;
            }
            text.push_str(&certificate.to_pem());
        }
        for list in &self.lists {
            text.push_str(&format!("\n-----BEGIN {LIST}-----\n"));
            let body = STANDARD.encode(list.der());
            let mut rest = body.as_str();
            while !rest.is_empty() {
                let (line, tail) = rest.split_at(rest.len().min(64));
                text.push_str(line);
                text.push('\n');
                rest = tail;
            }
            text.push_str(&format!("-----END {LIST}-----\n"));
        }
        text
    }

    /// Reads a bundle; what is wrong with it, by line.
    pub(super) fn of_text(text: &str) -> Result<Self, String> {
        let mut lines = text.lines().zip(1_usize..);
        if lines.next().map(|(line, _)| line) != Some(FORMAT) {
            return Err(format!("does not begin with {FORMAT:?}"));
        }
        let (mut bundle, mut purpose) = (Self::default(), None);
        while let Some((line, number)) = lines.next() {
            let wrong = |what: &dyn std::fmt::Display| format!("line {number}: {what}");
            if let Some(name) = line.strip_prefix("purpose: ") {
                purpose = Some(name.to_owned());
            } else if let Some(label) = line.strip_prefix("-----BEGIN ").and_then(|rest| rest.strip_suffix("-----")) {
                if bundle.certificates.len() + bundle.lists.len() == BLOCKS {
                    return Err(wrong(&"too many certificates and lists"));
                }
                let end = format!("-----END {label}-----");
                let body: String = lines.by_ref().map(|(line, _)| line).take_while(|line| *line != end).collect();
                let der = STANDARD.decode(body).map_err(|error| wrong(&error))?;
                bundle.add(label, purpose.as_deref(), der).map_err(|what| wrong(&what))?;
            } else if !line.is_empty() {
                return Err(wrong(&"is no part of a bundle"));
            }
        }
        Ok(bundle)
    }

    fn add(&mut self, label: &str, purpose: Option<&str>, der: Vec<u8>) -> Result<(), String> {
        match (label, purpose) {
            (CERTIFICATE, Some(purpose)) => {
                let certificate = Certificate::from_der(&der).map_err(|error| error.to_string())?;
                self.certificates.push((purpose.to_owned(), certificate));
            }
            (CERTIFICATE, None) => return Err("a certificate without a purpose".to_owned()),
            (LIST, _) => self.lists.push(Crl::from_vec(der).map_err(|error| error.to_string())?),
            _ => return Err(format!("an unknown block {label:?}")),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use certs::dev::DevPki;
    use time::Duration;
    use time::macros::datetime;

    #[test]
    fn a_bundle_is_read_as_it_was_written_and_nothing_else_is() {
        let now = datetime!(2026-11-23 12:00 UTC);
        let pki = DevPki::new(now, Duration::days(1), "").unwrap();
        let list = Crl::from_vec(pki.crl(now).unwrap()).unwrap();
        let certificates = vec![
            ("signing".to_owned(), pki.root().clone()),
            ("signing".to_owned(), pki.issuing_ca().clone()),
            ("login".to_owned(), pki.root().clone()),
        ];
        let text = Bundle { certificates: certificates.clone(), lists: vec![list.clone()] }.to_text();
        let read = Bundle::of_text(&text).unwrap();
        assert_eq!(read.certificates, certificates);
        assert_eq!(read.lists.len(), 1);
        assert_eq!(read.lists[0].der(), list.der());
        for (wrong, why) in [
            (text.replacen('1', "2", 1), "begin"),
            (text.replacen("purpose: signing\n", "", 1), "without a purpose"),
            (text.replacen("X509 CRL", "PRIVATE KEY", 2), "unknown block"),
            (format!("{text}more"), "no part"),
        ] {
            assert!(Bundle::of_text(&wrong).err().unwrap().contains(why), "{why}");
        }
    }
}
