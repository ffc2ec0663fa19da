//! What can be wrong with an exported case: codes for machines, sentences for people.

use crate::export::Language;

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $english:literal, $ukrainian:literal;)*) => {
        /// What is wrong. A code never changes its meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Fault { $($(#[$doc])* $name,)* }

        impl Fault {
            /// All faults.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The stable code.
            #[must_use]
            pub fn code(self) -> &'static str { match self { $(Self::$name => $code),* } }

            /// The sentence in a language.
            #[must_use]
            pub fn sentence(self, language: Language) -> &'static str {
                match self { $(Self::$name => language.choose($english, $ukrainian)),* }
            }
        }
    };
}

faults! {
    /// The container's signature does not verify, or is over something else.
    ContainerSignature = "container.signature", "the container's signature does not hold", "підпис контейнера не підтверджено";
    /// The container is signed by somebody else.
    ContainerSigner = "container.signer", "the container is not signed by the node", "контейнер підписано не вузлом";
    /// A file that no signature covers.
    ContainerUnsigned = "container.unsigned", "the container's signature does not cover the file", "підпис контейнера не охоплює файл";
    /// The manifest speaks of something else than what is there.
    ManifestMismatch = "manifest.mismatch", "the manifest and the files disagree", "маніфест і файли розходяться";
    /// Not a JWS of the kind that a node writes.
    EvidenceMalformed = "evidence.malformed", "the evidence cannot be read", "доказ не вдається прочитати";
    /// The evidence names another certificate.
    EvidenceSigner = "evidence.signer", "the evidence is signed by another certificate", "доказ підписано іншим сертифікатом";
    /// The signature of the evidence does not verify.
    EvidenceSignature = "evidence.signature", "the signature of the evidence does not hold", "підпис доказу не підтверджено";
    /// The XML says something else than the evidence.
    EvidenceXml = "evidence.xml", "the XML is not a rendering of the evidence", "XML не є відображенням доказу";
    /// The evidence was signed outside the validity of its certificate.
    EvidenceTime = "evidence.time", "the evidence is of a time at which its certificate was not valid", "доказ створено поза строком чинності сертифіката";
    /// A step is missing or does not follow.
    EvidenceOrder = "evidence.order", "a step is missing or does not follow from the one before", "крок відсутній або не випливає з попереднього";
    /// The pieces of evidence of one message name different things.
    EvidenceDisagrees = "evidence.disagrees", "the evidence of one message names different things", "докази одного повідомлення суперечать один одному";
    /// No message of the case has a part with this digest.
    PartMismatch = "part.mismatch", "the file is not the part that the evidence names", "файл не є тією частиною, яку називає доказ";
    /// The evidence names a signed acknowledgement that is not there, or another one.
    AcknowledgementMismatch = "acknowledgement.mismatch", "the acknowledgement is not the one that the evidence names", "сповіщення не те, яке називає доказ";
    /// The acknowledgement's signature does not verify.
    AcknowledgementSignature = "acknowledgement.signature", "the signature of the acknowledgement does not hold", "підпис сповіщення не підтверджено";
    /// The acknowledgement is signed for somebody else than the recipient.
    AcknowledgementSigner = "acknowledgement.signer", "the acknowledgement is not signed for the recipient", "сповіщення підписано не від імені отримувача";
    /// Entry or proof cannot be read.
    LogMalformed = "log.malformed", "the log's entry or proof cannot be read", "запис або доведення журналу не вдається прочитати";
    /// The proof does not lead to a checkpoint of the log.
    LogProof = "log.proof", "the proof does not lead to a checkpoint of the log", "доведення не веде до контрольної точки журналу";
    /// The proven entry is of another event.
    LogOtherEvent = "log.other_event", "the log's entry is of another event", "запис журналу стосується іншої події";
    /// The manifest names another key of the log than the one that is known.
    LogKey = "log.key", "the manifest names another log key than the one given", "маніфест називає інший ключ журналу, ніж надано";
}

/// A fault, and what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub fault: Fault,
    /// With what: a file, a message, a part.
    pub about: String,
}

impl Fault {
    pub(super) fn of(self, about: &str) -> Finding {
        Finding { fault: self, about: about.to_owned() }
    }
}
