//! What the issuer states of a qualified certificate: QCStatements (RFC 3739 3.2.6, ETSI EN 319 412-5 V2.4.1, and the national
//! statement), certificate policies, and whether it is a seal's.
use super::Certificate;
use crate::asn1::{Malformed, Reader, oid, read, tag, text};
use const_oid::ObjectIdentifier;

/// The statements of one certificate. They are the issuer's words: that the issuer may say so is for trusted lists to tell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QcStatements {
    /// QcCompliance (4.2.1): issued as qualified, by the law of `countries`, else of the European Union.
    pub compliance: bool,
    /// The national statement 1.2.804.2.1.1.1.2.1: issued as qualified by the law of Ukraine.
    pub national: bool,
    /// QcSSCD (4.2.2): the private key resides in a qualified device.
    pub on_device: bool,
    /// QcType (4.2.3); empty: signatures (where the law is that of the Union).
    pub types: Vec<QcType>,
    /// Types of QcType that are not known, dotted.
    pub other_types: Vec<String>,
    /// QcCClegislation (4.2.4): countries by whose law it is qualified, ISO 3166-1 alpha-2.
    pub countries: Vec<String>,
    /// QcLimitValue (4.3.2): the largest transaction that it may be used for.
    pub limit: Option<MonetaryValue>,
    /// QcRetentionPeriod (4.3.3): years for which the issuer keeps records after the certificate has expired.
    pub retention_years: Option<u32>,
    /// QcPDS (4.3.4): where the terms stand.
    pub disclosures: Vec<Disclosure>,
    /// id-qcs-pkixQCSyntax-v2 (RFC 3739 3.2.6.1): how the subject's attributes are meant, a dotted object identifier:
    /// 0.4.0.194121.1.1 a natural person, .2 a legal one (ETSI EN 319 412-1 5.1).
    pub semantics: Option<String>,
    /// Other statements, dotted.
    pub others: Vec<String>,
}

/// What a qualified certificate is for (ETSI EN 319 412-5 4.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QcType {
    /// Electronic signatures.
    Signature,
    /// Electronic seals.
    Seal,
    /// Websites.
    Website,
}

/// amount · 10^exponent of a currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonetaryValue {
    /// ISO 4217, letters or the decimal text of the number.
    pub currency: String,
    /// Units of 10^exponent.
    pub amount: u32,
    /// The power of ten.
    pub exponent: u32,
}

/// A disclosure statement. The address is a stranger's text, as [`Certificate::ocsp_urls`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disclosure {
    /// Where it stands.
    pub url: String,
    /// ISO 639-1.
    pub language: String,
}

/// Most statements, types, countries and disclosures that are read; certificates have up to ten.
const MOST: usize = 32;

/// The statements of `certificate`; `None` where there are none, or they cannot be read: what cannot be read states nothing.
pub(super) fn statements(certificate: &Certificate) -> Option<QcStatements> {
    let span = certificate.extensions().qc_statements?;
    read(span.of(certificate.der())).ok()
}

/// The certificate policies, dotted; those that cannot be read are left out, and no path leads through such a certificate.
pub(super) fn policies(certificate: &Certificate) -> Vec<String> {
    let span = certificate.extensions().certificate_policies;
    let list = span.map(|span| read::sole_sequence("certificatePolicies", span.of(certificate.der())));
    let Some(Ok(mut list)) = list else {
        return Vec::new();
    };
    let mut policies = Vec::new();
    while let Ok(mut policy) = list.sequence("certificatePolicies") {
        policies.extend(policy.expect(tag::OBJECT_IDENTIFIER).ok().and_then(|policy| oid::dotted(policy.content())));
    }
    policies
}

/// Whether the certificate is a seal's: by QcType, else by the national extended key usage.
pub(super) fn is_seal(certificate: &Certificate) -> bool {
    let types = statements(certificate).unwrap_or_default().types;
    if !types.is_empty() {
        return types.contains(&QcType::Seal);
    }
    certificate.extended_key_usage().is_some_and(|list| list.iter().any(|purpose| purpose == oid::UA_SEAL))
}

/// QCStatements ::= SEQUENCE OF SEQUENCE { statementId OBJECT IDENTIFIER, statementInfo ANY OPTIONAL }
fn read(extension: &[u8]) -> Result<QcStatements, Malformed> {
    let mut list = read::sole_sequence("qcStatements", extension)?;
    let mut statements = QcStatements::default();
    let mut count = 0;
    while !list.is_empty() {
        count += 1;
        if count > MOST {
            return Err(list.malformed());
        }
        let mut statement = list.sequence("qcStatements")?;
        let id = statement.expect(tag::OBJECT_IDENTIFIER)?.content();
        match KNOWN.iter().find(|(known, _)| known.as_bytes() == id) {
            Some((_, decode)) => decode(&mut statements, &mut statement)?,
            None => statements.others.extend(oid::dotted(id)),
        }
    }
    Ok(statements)
}

type Decode = fn(&mut QcStatements, &mut Reader<'_>) -> Result<(), Malformed>;

const KNOWN: [(ObjectIdentifier, Decode); 9] = [
    (oid::QC_COMPLIANCE, |statements, _| {
        statements.compliance = true;
        Ok(())
    }),
    (oid::UA_QUALIFIED, |statements, _| {
        statements.national = true;
        Ok(())
    }),
    (oid::QC_SSCD, |statements, _| {
        statements.on_device = true;
        Ok(())
    }),
    (oid::QC_TYPE, |statements, info| {
        let types = each(info, |list| Ok(list.expect(tag::OBJECT_IDENTIFIER)?.content()))?;
        statements.types = types.iter().filter_map(|id| qc_type(id)).collect();
        statements.other_types =
            types.iter().filter(|id| qc_type(id).is_none()).filter_map(|id| oid::dotted(id)).collect();
        Ok(())
    }),
    (oid::QC_LEGISLATION, |statements, info| {
        statements.countries = each(info, string)?;
        Ok(())
    }),
    (oid::QC_LIMIT, |statements, info| {
        statements.limit = Some(monetary_value(info)?);
        Ok(())
    }),
    (oid::QC_RETENTION, |statements, info| {
        statements.retention_years = Some(info.expect(tag::INTEGER)?.unsigned()?);
        Ok(())
    }),
    (oid::QC_DISCLOSURE, |statements, info| {
        statements.disclosures = each(info, |list| {
            let mut location = list.sequence("QcPDS")?;
            Ok(Disclosure { url: string(&mut location)?, language: string(&mut location)? })
        })?;
        Ok(())
    }),
    (oid::QC_SYNTAX_V2, |statements, info| {
        if let Some(information) = info.optional(tag::SEQUENCE)? {
            let semantics = information.reader("SemanticsInformation").optional(tag::OBJECT_IDENTIFIER)?;
            statements.semantics = semantics.and_then(|id| oid::dotted(id.content()));
        }
        Ok(())
    }),
];

fn qc_type(id: &[u8]) -> Option<QcType> {
    match id {
        id if id == oid::QC_TYPE_SIGNATURE.as_bytes() => Some(QcType::Signature),
        id if id == oid::QC_TYPE_SEAL.as_bytes() => Some(QcType::Seal),
        id if id == oid::QC_TYPE_WEBSITE.as_bytes() => Some(QcType::Website),
        _ => None,
    }
}

/// MonetaryValue ::= SEQUENCE { currency CHOICE { PrintableString, INTEGER }, amount INTEGER, exponent INTEGER }
fn monetary_value(info: &mut Reader<'_>) -> Result<MonetaryValue, Malformed> {
    let mut value = info.sequence("QcEuLimitValue")?;
    let currency = match value.optional(tag::INTEGER)? {
        Some(number) => number.unsigned()?.to_string(),
        None => string(&mut value)?,
    };
    let amount = value.expect(tag::INTEGER)?.unsigned()?;
    let exponent = value.expect(tag::INTEGER)?.unsigned()?;
    value.finish()?;
    Ok(MonetaryValue { currency, amount, exponent })
}

/// The members of the SEQUENCE OF that comes next.
fn each<'a, T>(
    info: &mut Reader<'a>,
    mut member: impl FnMut(&mut Reader<'a>) -> Result<T, Malformed>,
) -> Result<Vec<T>, Malformed> {
    let mut list = info.sequence("qcStatements")?;
    let mut members = Vec::new();
    while !list.is_empty() {
        if members.len() == MOST {
            return Err(list.malformed());
        }
        members.push(member(&mut list)?);
    }
    Ok(members)
}

fn string(reader: &mut Reader<'_>) -> Result<String, Malformed> {
    let malformed = reader.malformed();
    let element = reader.any()?;
    text::decode(element.tag(), element.content()).map(String::from).ok_or(malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::write;
    use crate::dev::forge::Forge;
    use std::path::PathBuf;

    fn statement(id: &ObjectIdentifier, info: &[u8]) -> Vec<u8> {
        write::sequence(&[&write::oid(id), info])
    }

    fn of(statements: &[Vec<u8>]) -> Option<QcStatements> {
        let value = write::element(tag::SEQUENCE, &statements.concat());
        Forge::new("leaf").with(&oid::QC_STATEMENTS, true, &value).root().certificate.qc_statements()
    }

    #[test]
    fn every_statement_is_read() {
        let ia5 = |text: &str| write::element(tag::IA5_STRING, text.as_bytes());
        let place = write::sequence(&[&ia5("https://ca.test/"), &write::printable("uk")]);
        let limit = write::sequence(&[&write::printable("UAH"), &write::unsigned(&[3, 0xe8]), &write::unsigned(&[2])]);
        let unknown = ObjectIdentifier::new_unwrap("1.2.3.4");
        let semantics = ObjectIdentifier::new_unwrap("0.4.0.194121.1.2");
        let found = of(&[
            statement(&oid::QC_COMPLIANCE, &[]),
            statement(&oid::UA_QUALIFIED, &[]),
            statement(&oid::QC_SSCD, &[]),
            statement(&oid::QC_TYPE, &write::sequence(&[&write::oid(&oid::QC_TYPE_SEAL), &write::oid(&unknown)])),
            statement(&oid::QC_LEGISLATION, &write::sequence(&[&write::printable("UA")])),
            statement(&oid::QC_LIMIT, &limit),
            statement(&oid::QC_RETENTION, &write::unsigned(&[10])),
            statement(&oid::QC_DISCLOSURE, &write::sequence(&[&place])),
            statement(&oid::QC_SYNTAX_V2, &write::sequence(&[&write::oid(&semantics)])),
            statement(&unknown, &[]),
        ]);
        let expected = QcStatements {
            compliance: true,
            national: true,
            on_device: true,
            types: vec![QcType::Seal],
            other_types: vec!["1.2.3.4".to_owned()],
            countries: vec!["UA".to_owned()],
            limit: Some(MonetaryValue { currency: "UAH".to_owned(), amount: 1000, exponent: 2 }),
            retention_years: Some(10),
            disclosures: vec![Disclosure { url: "https://ca.test/".to_owned(), language: "uk".to_owned() }],
            semantics: Some("0.4.0.194121.1.2".to_owned()),
            others: vec!["1.2.3.4".to_owned()],
        };
        assert_eq!(found, Some(expected));
        assert_eq!(of(&[statement(&oid::QC_TYPE, &[5, 0])]), None, "what cannot be read states nothing");
        assert_eq!(Forge::new("leaf").root().certificate.qc_statements(), None);
    }

    #[test]
    fn a_seal_is_one_by_type_or_by_key_usage() {
        let sealing = || Forge::new("leaf").extended_key_usage(false, &[oid::UA_SEAL]);
        assert!(sealing().root().certificate.is_seal());
        assert!(!Forge::new("leaf").root().certificate.is_seal());
        let signature = statement(&oid::QC_TYPE, &write::sequence(&[&write::oid(&oid::QC_TYPE_SIGNATURE)]));
        let both = sealing().with(&oid::QC_STATEMENTS, false, &write::sequence(&[&signature]));
        assert!(!both.root().certificate.is_seal(), "the type says more");
    }

    /// The shapes that real national certificates have, by file; none of whom they name.
    #[test]
    fn national_certificates_state_what_they_state() {
        let Some(folder) = std::env::var_os("VUZOL_CORPORA").map(PathBuf::from) else {
            println!("skipped: VUZOL_CORPORA is not set");
            return;
        };
        let read = |file: &str| {
            let der = std::fs::read(folder.join("ukrainian/files").join(file)).unwrap();
            Certificate::from_der(&der).unwrap()
        };
        let uapki = |file: &str| read(&format!("specinfo-ua/UAPKI/library/test/data/certs/{file}"));
        let seal = uapki("diia-test-sign-7775603.cer");
        let statements = seal.qc_statements().unwrap();
        assert!(statements.compliance && statements.national && !statements.on_device && seal.is_seal());
        assert_eq!((statements.disclosures.len(), statements.disclosures[0].language.as_str()), (1, "en"));
        assert!(seal.edrpou().is_some() && seal.rnokpp().is_none() && seal.unzr().is_none());
        let agreement = uapki("diia-test-kep-7775604.cer");
        assert!(agreement.qc_statements().unwrap().national && !agreement.is_seal());
        let authority = uapki("diia-CA-05E19E2CD92EA2990100000001000000E1000000.cer");
        let statements = authority.qc_statements().unwrap();
        assert!(statements.on_device && authority.edrpou().is_some());
        assert_eq!(statements.semantics.as_deref(), Some("0.4.0.194121.1.2"));
        let root = read("li0ard/dstu/src/dstu4145/x509.spec.ts.d/CAO-2026.cer");
        let statements = root.qc_statements().unwrap();
        assert!(statements.compliance && !statements.national && statements.countries == ["UA"]);
        let limited = read("dstucrypt/jkurwa/test/data/SFS_1.cer").qc_statements().unwrap().limit.unwrap();
        assert_eq!((limited.currency.as_str(), limited.amount, limited.exponent), ("UAH", 1_000_000, 0));
        let person = read("privat-it/cryptonite/src/pkixUtest/resources/test_sign.cer");
        assert!(person.rnokpp().is_some() && person.edrpou().is_some());
        for certificate in [&seal, &agreement, &authority, &root, &person] {
            assert_eq!(certificate.policies(), ["1.2.804.2.1.1.1.2.2"]);
        }
    }
}
