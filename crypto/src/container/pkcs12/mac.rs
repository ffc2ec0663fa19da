//! MacData (RFC 7292, 4 and appendix A) and PBMAC1 in its place (RFC 9579).

use crate::container::ContainerError;
use crate::container::ber::{Element, Fields, INTEGER, OCTET_STRING, SEQUENCE};
use crate::container::derive::{self, Budget, Prf, Purpose};
use crate::container::password::Password;
use crate::container::scheme::{Algorithm, Pbkdf2};
use crate::digest::DigestAlgorithm;

/// True where the code in `MacData ::= SEQUENCE { DigestInfo, macSalt OCTET STRING, iterations INTEGER DEFAULT 1 }` is that of `octets`, the
/// content of the authenticated safe, under any form of the password.
pub(super) fn matches(
    mac_data: &[u8],
    octets: &[u8],
    password: &Password,
    budget: &mut Budget,
) -> Result<bool, ContainerError> {
    let mut fields = Fields::new(mac_data, MAC_DATA);
    let mut info = fields.sequence(MAC_DATA)?;
    let algorithm = Algorithm::read(&mut info)?;
    let code = info.take(OCTET_STRING)?;
    info.finish()?;
    let salt = fields.take(OCTET_STRING)?;
    let iterations = if fields.peek() == Some(INTEGER) { fields.small_integer()? } else { 1 };
    fields.finish()?;
    let oid = algorithm.oid.to_string();
    if oid == PBMAC1 {
        return pbmac1(&algorithm, octets, code, password, budget);
    }
    let digest = digest(&oid).ok_or_else(|| ContainerError::unknown(oid))?;
    if iterations == 0 {
        return Err(fields.error());
    }
    for form in password.bmp_forms() {
        let length = digest.output_len();
        let key = derive::pkcs12(digest, Purpose::Mac, &form, salt, iterations, length, budget)?;
        let kupyna = || digest == DigestAlgorithm::Kupyna256 && derive::kupyna_mac_matches(&key, octets, code);
        if derive::equal(derive::hmac(digest, &key, octets).as_bytes(), code) || kupyna() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// `PBMAC1-params ::= SEQUENCE { keyDerivationFunc, messageAuthScheme }` (RFC 8018, A.5); salt and iterations of MacData mean nothing here
/// (RFC 9579, 4), and keyLength must be there (5).
fn pbmac1(
    algorithm: &Algorithm<'_>,
    octets: &[u8],
    code: &[u8],
    password: &Password,
    budget: &mut Budget,
) -> Result<bool, ContainerError> {
    let malformed = ContainerError::malformed("PBMAC1-params");
    let Some(Element { tag: SEQUENCE, content, .. }) = algorithm.parameters else { return Err(malformed) };
    let mut parameters = Fields::new(content, "PBMAC1-params");
    let kdf = Pbkdf2::read(&Algorithm::read(&mut parameters)?)?;
    let scheme = Algorithm::read(&mut parameters)?;
    parameters.finish()?;
    let Some(Prf::Hmac(digest)) = Prf::from_oid(&scheme.oid.to_string()) else {
        return Err(ContainerError::unknown(scheme.oid));
    };
    let key_len = kdf.key_len().and_then(|length| usize::try_from(length).ok());
    let key_len = key_len.filter(|length| (1..=MAX_KEY_BYTES).contains(length)).ok_or(malformed)?;
    for form in password.octets() {
        let key = kdf.derive(&form, key_len, budget)?;
        if derive::equal(derive::hmac(digest, &key, octets).as_bytes(), code) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The digests of MacData. Kupyna-256 stands for its own code (UAPKI) or for HMAC (RFC 7292); both are tried.
fn digest(oid: &str) -> Option<DigestAlgorithm> {
    use DigestAlgorithm::{Gost34311, Kupyna256, Sha1, Sha224, Sha256, Sha384, Sha512};
    if oid == MEDOC || oid == derive::HMAC_GOST34311 {
        return Some(Gost34311);
    }
    [Sha1, Sha224, Sha256, Sha384, Sha512, Gost34311, Kupyna256].into_iter().find(|digest| digest.oid() == oid)
}

const MAC_DATA: &str = "MacData";
const PBMAC1: &str = "1.2.840.113549.1.5.14";
/// What M.E.Doc writes where GOST 34.311 belongs: ten octets of the ContentInfo before it.
const MEDOC: &str = "1.32.113549.1.7.1.524545";
/// The output of SHA-512; a longer key gains nothing.
const MAX_KEY_BYTES: usize = 64;
