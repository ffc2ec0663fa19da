//! PEM blocks (RFC 7468).
use super::CertificateError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";
const MALFORMED: CertificateError = CertificateError::Malformed("PEM");

/// The DER of every certificate block; at least one.
pub(super) fn blocks(pem: &str) -> Result<Vec<Vec<u8>>, CertificateError> {
    let mut blocks = Vec::new();
    let mut rest = pem;
    while let Some((_, block)) = rest.split_once(BEGIN) {
        let (body, tail) = block.split_once(END).ok_or(MALFORMED)?;
        let text: String = body.split_ascii_whitespace().collect();
        blocks.push(STANDARD.decode(text).map_err(|_| MALFORMED)?);
        rest = tail;
    }
    if blocks.is_empty() { Err(MALFORMED) } else { Ok(blocks) }
}

pub(super) fn encode(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = String::with_capacity(text.len() + text.len() / 64 + 64);
    pem.push_str(BEGIN);
    for (index, character) in text.chars().enumerate() {
        if index % 64 == 0 {
            pem.push('\n');
        }
        pem.push(character);
    }
    pem.push('\n');
    pem.push_str(END);
    pem.push('\n');
    pem
}
