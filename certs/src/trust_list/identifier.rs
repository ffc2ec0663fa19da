//! Types of lists and services, and statuses: clauses 5.3.3, 5.5.1, 5.5.4 and annex D; the national ones by the identifiers of the
//! central certification authority of Ukraine.
//!
//! An identifier is a known beginning and a word. The word of one law under the beginning of another is another type: nobody is granted
//! anything by a host that is not known here.
use super::model::{AdditionalService, Qualifier};

/// Whose scheme a name belongs to: the same word means qualified by another law.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// The European Union, Regulation 910/2014.
    European,
    /// Ukraine, Law 2155-VIII.
    Ukrainian,
}

/// What a list lists (5.3.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListKind {
    /// A country's services.
    Services,
    /// Other lists.
    Lists,
    /// Another type, as it was written.
    Other(String),
}

/// What a service does (5.5.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ServiceType {
    /// `CA/QC`, `National-CA/QC`: issues qualified certificates.
    QualifiedCertificates(Scheme),
    /// `NationalRootCA-QC`: the root above them.
    Root(Scheme),
    /// `TSA/QTST`, `National-TSA/QTST`: qualified time-stamps.
    QualifiedTimestamps(Scheme),
    /// `Certstatus/OCSP/QC`, `National-Certstatus/OCSP`: answers about qualified certificates.
    OcspForQualified(Scheme),
    /// `Certstatus/CRL/QC`.
    CrlForQualified(Scheme),
    /// `CA/PKC`: other certificates.
    OtherCertificates,
    /// `TSA`, `TSA/TSS-QC`, `TSA/TSS-AdESQCandQES`: time-stamps that are not qualified.
    OtherTimestamps,
    /// `Certstatus/OCSP`.
    OtherOcsp,
    /// Another type, as it was written.
    Other(String),
}

/// The status of a service (5.5.4, D.5.5).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ServiceStatus {
    /// `granted`.
    Granted,
    /// `withdrawn`.
    Withdrawn,
    /// `recognisedatnationallevel`: of services that are not qualified.
    Recognised,
    /// `deprecatedatnationallevel`.
    Deprecated,
    /// `undersupervision`, before July 2016: counts as granted.
    UnderSupervision,
    /// `supervisionincessation`: counts as granted.
    SupervisionInCessation,
    /// `supervisionceased`.
    SupervisionCeased,
    /// `supervisionrevoked`.
    SupervisionRevoked,
    /// `accredited`: counts as granted.
    Accredited,
    /// `accreditationceased`.
    AccreditationCeased,
    /// `accreditationrevoked`.
    AccreditationRevoked,
    /// `setbynationallaw`: of services that are not qualified.
    SetByNationalLaw,
    /// `deprecatedbynationallaw`.
    DeprecatedByNationalLaw,
    /// Another, as it was written.
    Other(String),
}

impl ServiceStatus {
    /// Whether certificates and time-stamps of such a service were qualified: `granted`, and before 1 July 2016 what stood in its place
    /// (TS 119 615, 4.4.4).
    #[must_use]
    pub fn is_qualified(&self) -> bool {
        matches!(self, Self::Granted | Self::UnderSupervision | Self::SupervisionInCessation | Self::Accredited)
    }
}

/// Whose identifiers these are, without `http://` or `https://`, which lists mix.
const ETSI: &str = "uri.etsi.org/TrstSvc/";
const NATIONAL: [&str; 2] = ["czo.gov.ua/TrstSvc/", "www.czo.gov.ua/TrstSvc/"];
/// Lists up to version 4 had their words here, and history still quotes them.
const FORMER: &str = "eSigDir-1999-93-EC-TrustedList/";

/// The scheme, and what follows its beginning and that of `section`.
fn word<'u>(uri: &'u str, section: &str) -> Option<(Scheme, &'u str)> {
    let uri = uri.trim();
    let rest = uri.strip_prefix("http://").or_else(|| uri.strip_prefix("https://"))?;
    let national = NATIONAL.into_iter().find_map(|beginning| rest.strip_prefix(beginning));
    let (scheme, rest) = match national {
        Some(rest) => (Scheme::Ukrainian, rest),
        None => (Scheme::European, rest.strip_prefix(ETSI)?),
    };
    let rest = rest.strip_prefix("TrustedList/").or_else(|| rest.strip_prefix(FORMER)).unwrap_or(rest);
    Some((scheme, rest.strip_prefix(section)?))
}

/// Whether two identifiers are the same, written with http or https.
pub(super) fn same(one: &str, other: &str) -> bool {
    let bare = |uri: &'_ str| -> String {
        let uri = uri.trim();
        uri.strip_prefix("http://").or_else(|| uri.strip_prefix("https://")).unwrap_or(uri).to_owned()
    };
    bare(one) == bare(other)
}

impl ListKind {
    /// `EUgeneric` and `EUlistofthelists`; of other countries `XXlist`, `XXgeneric` and `XXlistofthelists` with their two letters.
    #[must_use]
    pub fn from_uri(uri: &str) -> Self {
        let kind = word(uri, "TSLType/").and_then(|(_, word)| {
            let (country, kind) = word.split_at_checked(2)?;
            let is_country = country.bytes().all(|octet| octet.is_ascii_uppercase());
            match kind {
                "generic" | "list" if is_country => Some(Self::Services),
                "listofthelists" if is_country => Some(Self::Lists),
                _ => None,
            }
        });
        kind.unwrap_or_else(|| Self::Other(uri.trim().to_owned()))
    }
}

/// Types by their words. The national ones are those of order 34 of 23 February 2025, and those of the list for mutual recognition,
/// which are qualified by the law of Ukraine too.
static TYPES: [(Scheme, &str, ServiceType); 21] = {
    use Scheme::{European, Ukrainian};
    use ServiceType as Type;
    [
        (European, "CA/QC", Type::QualifiedCertificates(European)),
        (Ukrainian, "National-CA/QC", Type::QualifiedCertificates(Ukrainian)),
        (Ukrainian, "MR-CA/QC", Type::QualifiedCertificates(Ukrainian)),
        (Ukrainian, "CA/QC", Type::QualifiedCertificates(Ukrainian)),
        (European, "NationalRootCA-QC", Type::Root(European)),
        (Ukrainian, "NationalRootCA-QC", Type::Root(Ukrainian)),
        (European, "TSA/QTST", Type::QualifiedTimestamps(European)),
        (Ukrainian, "National-TSA/QTST", Type::QualifiedTimestamps(Ukrainian)),
        (Ukrainian, "MR-TSA/QTST", Type::QualifiedTimestamps(Ukrainian)),
        (Ukrainian, "TSA/QTST", Type::QualifiedTimestamps(Ukrainian)),
        (European, "Certstatus/OCSP/QC", Type::OcspForQualified(European)),
        (Ukrainian, "National-Certstatus/OCSP", Type::OcspForQualified(Ukrainian)),
        (Ukrainian, "MR-Certstatus/OCSP", Type::OcspForQualified(Ukrainian)),
        (Ukrainian, "Certstatus/OCSP/QC", Type::OcspForQualified(Ukrainian)),
        (European, "Certstatus/CRL/QC", Type::CrlForQualified(European)),
        (Ukrainian, "Certstatus/CRL/QC", Type::CrlForQualified(Ukrainian)),
        (European, "CA/PKC", Type::OtherCertificates),
        (European, "TSA", Type::OtherTimestamps),
        (European, "TSA/TSS-QC", Type::OtherTimestamps),
        (European, "TSA/TSS-AdESQCandQES", Type::OtherTimestamps),
        (European, "Certstatus/OCSP", Type::OtherOcsp),
    ]
};

impl ServiceType {
    /// Of an identifier; what is not known is [`Self::Other`].
    #[must_use]
    pub fn from_uri(uri: &str) -> Self {
        let known = word(uri, "Svctype/").and_then(|(scheme, word)| {
            TYPES.iter().find(|(of, name, _)| *of == scheme && *name == word).map(|(_, _, kind)| kind.clone())
        });
        known.unwrap_or_else(|| Self::Other(uri.trim().to_owned()))
    }

    /// The identifier, the first where there are several.
    #[must_use]
    pub fn uri(&self) -> String {
        let known = TYPES.iter().find(|(_, _, kind)| kind == self);
        let (scheme, word) = known.map_or((Scheme::European, ""), |(scheme, word, _)| (*scheme, *word));
        match (self, scheme) {
            (Self::Other(uri), _) => uri.clone(),
            (_, Scheme::European) => format!("http://{ETSI}Svctype/{word}"),
            (_, Scheme::Ukrainian) => format!("http://{}Svctype/{word}", NATIONAL[0]),
        }
    }
}

/// Statuses by their words, which both schemes share.
static STATUSES: [(&str, ServiceStatus); 13] = [
    ("granted", ServiceStatus::Granted),
    ("withdrawn", ServiceStatus::Withdrawn),
    ("recognisedatnationallevel", ServiceStatus::Recognised),
    ("deprecatedatnationallevel", ServiceStatus::Deprecated),
    ("undersupervision", ServiceStatus::UnderSupervision),
    ("supervisionincessation", ServiceStatus::SupervisionInCessation),
    ("supervisionceased", ServiceStatus::SupervisionCeased),
    ("supervisionrevoked", ServiceStatus::SupervisionRevoked),
    ("accredited", ServiceStatus::Accredited),
    ("accreditationceased", ServiceStatus::AccreditationCeased),
    ("accreditationrevoked", ServiceStatus::AccreditationRevoked),
    ("setbynationallaw", ServiceStatus::SetByNationalLaw),
    ("deprecatedbynationallaw", ServiceStatus::DeprecatedByNationalLaw),
];

impl ServiceStatus {
    /// Of an identifier; what is not known is [`Self::Other`].
    #[must_use]
    pub fn from_uri(uri: &str) -> Self {
        let known = word(uri, "Svcstatus/")
            .and_then(|(_, word)| STATUSES.iter().find(|(name, _)| *name == word).map(|(_, status)| status.clone()));
        known.unwrap_or_else(|| Self::Other(uri.trim().to_owned()))
    }

    /// The identifier, as ETSI writes it.
    #[must_use]
    pub fn uri(&self) -> String {
        let word = STATUSES.iter().find(|(_, status)| status == self).map_or("", |(word, _)| word);
        match self {
            Self::Other(uri) => uri.clone(),
            _ => format!("http://{ETSI}TrustedList/Svcstatus/{word}"),
        }
    }
}

/// What services are for, by their words.
static ADDITIONAL: [(&str, AdditionalService); 4] = [
    ("ForeSignatures", AdditionalService::Signatures),
    ("ForeSeals", AdditionalService::Seals),
    ("ForWebSiteAuthentication", AdditionalService::Websites),
    ("RootCA-QC", AdditionalService::Root),
];

impl AdditionalService {
    /// Of an identifier; what is not known is [`Self::Other`].
    #[must_use]
    pub fn from_uri(uri: &str) -> Self {
        let known = word(uri, "SvcInfoExt/").and_then(|(_, word)| {
            ADDITIONAL.iter().find(|(name, _)| *name == word).map(|(_, additional)| additional.clone())
        });
        known.unwrap_or_else(|| Self::Other(uri.trim().to_owned()))
    }

    /// The identifier, as ETSI writes it.
    #[must_use]
    pub fn uri(&self) -> String {
        let word = ADDITIONAL.iter().find(|(_, additional)| additional == self).map_or("", |(word, _)| word);
        match self {
            Self::Other(uri) => uri.clone(),
            _ => format!("http://{ETSI}TrustedList/SvcInfoExt/{word}"),
        }
    }
}

/// Qualifiers by their words.
static QUALIFIERS: [(&str, Qualifier); 13] = [
    ("QCStatement", Qualifier::Qualified),
    ("NotQualified", Qualifier::NotQualified),
    ("QCForESig", Qualifier::ForSignatures),
    ("QCForESeal", Qualifier::ForSeals),
    ("QCForWSA", Qualifier::ForWebsites),
    ("QCWithQSCD", Qualifier::WithDevice),
    ("QCNoQSCD", Qualifier::NoDevice),
    ("QCQSCDStatusAsInCert", Qualifier::DeviceAsInCertificate),
    ("QCQSCDManagedOnBehalf", Qualifier::ManagedOnBehalf),
    ("QCWithSSCD", Qualifier::WithFormerDevice),
    ("QCNoSSCD", Qualifier::NoFormerDevice),
    ("QCSSCDStatusAsInCert", Qualifier::FormerDeviceAsInCertificate),
    ("QCForLegalPerson", Qualifier::LegalPerson),
];

impl Qualifier {
    /// Of an identifier; what is not known is [`Self::Unknown`].
    #[must_use]
    pub fn from_uri(uri: &str) -> Self {
        let known = word(uri, "SvcInfoExt/").and_then(|(_, word)| QUALIFIERS.iter().find(|(name, _)| *name == word));
        known.map_or(Self::Unknown, |(_, qualifier)| *qualifier)
    }

    /// The identifier, as ETSI writes it.
    #[must_use]
    pub fn uri(self) -> String {
        let word = QUALIFIERS.iter().find(|(_, qualifier)| *qualifier == self).map_or("unknown", |(word, _)| word);
        format!("http://{ETSI}TrustedList/SvcInfoExt/{word}")
    }
}

/// The bits of keyUsage by their names, in the order of RFC 5280, 4.2.1.3 (5.5.9.2.2.1).
pub(crate) const KEY_USAGES: [&str; 9] = [
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "crlSign",
    "encipherOnly",
    "decipherOnly",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_count_under_known_beginnings_only() {
        let etsi = "http://uri.etsi.org/TrstSvc/";
        let status = |uri: &str| ServiceStatus::from_uri(uri);
        for known in [
            "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/granted",
            " https://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/granted\n\t",
            "http://czo.gov.ua/TrstSvc/TrustedList/Svcstatus/granted",
            "https://www.czo.gov.ua/TrstSvc/TrustedList/Svcstatus/granted",
            "http://uri.etsi.org/TrstSvc/eSigDir-1999-93-EC-TrustedList/Svcstatus/granted",
        ] {
            assert_eq!(status(known), ServiceStatus::Granted, "{known}");
        }
        for other in [
            "http://uri.etsi.org.example/TrstSvc/TrustedList/Svcstatus/granted",
            "http://example.org/TrstSvc/TrustedList/Svcstatus/granted",
            "ftp://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/granted",
            "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/granted/not",
            "granted",
        ] {
            assert_eq!(status(other), ServiceStatus::Other(other.into()), "{other}");
        }
        let kind = |uri: &str| ServiceType::from_uri(uri);
        assert_eq!(kind(&format!("{etsi}Svctype/CA/QC")), ServiceType::QualifiedCertificates(Scheme::European));
        let national = "http://czo.gov.ua/TrstSvc/Svctype/National-CA/QC";
        assert_eq!(kind(national), ServiceType::QualifiedCertificates(Scheme::Ukrainian));
        // The national word is nothing in the European scheme.
        assert!(matches!(kind(&format!("{etsi}Svctype/National-CA/QC")), ServiceType::Other(_)));
    }

    #[test]
    fn lists_are_told_by_country_and_kind() {
        let kind = |word: &str| ListKind::from_uri(&format!("http://uri.etsi.org/TrstSvc/TrustedList/TSLType/{word}"));
        for services in ["EUgeneric", "UAlist", "ZZlist", "UAgeneric"] {
            assert_eq!(kind(services), ListKind::Services, "{services}");
        }
        assert_eq!(kind("EUlistofthelists"), ListKind::Lists);
        assert_eq!(kind("ZZlistofthelists"), ListKind::Lists);
        for other in ["generic", "eugeneric", "EU", "", "ЄUlist", "EUlistofthelists2"] {
            assert!(matches!(kind(other), ListKind::Other(_)), "{other}");
        }
    }

    #[test]
    fn each_identifier_leads_back_to_what_it_stands_for() {
        for (_, _, kind) in &TYPES {
            assert_eq!(ServiceType::from_uri(&kind.uri()), *kind);
        }
        for (_, status) in &STATUSES {
            assert_eq!(ServiceStatus::from_uri(&status.uri()), *status);
        }
        for (_, additional) in &ADDITIONAL {
            assert_eq!(AdditionalService::from_uri(&additional.uri()), *additional);
        }
        for (_, qualifier) in &QUALIFIERS {
            assert_eq!(Qualifier::from_uri(&qualifier.uri()), *qualifier);
        }
        let other = ServiceType::from_uri("http://uri.etsi.org/TrstSvc/Svctype/EDS/Q");
        assert_eq!(other.uri(), "http://uri.etsi.org/TrstSvc/Svctype/EDS/Q");
    }
}
