//! Why a container is refused, and what is wrong with one that can be read: each with its code, its clause and its words.
//!
//! A [`ContainerError`] means that two readers could see two different containers, or that a bound is exceeded: nothing in it is
//! validated. A `Finding` is about one signature of a container that can be read in one way only.

use schemas::ProblemCode;
use schemas::report::{Indication, Reason, SubIndication};

macro_rules! container_errors {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $clause:literal, $en:literal, $uk:literal;)*) => {
        /// Why a container is refused. Codes are stable.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
        pub enum ContainerError { $($(#[$doc])* #[error($en)] $name,)* }

        impl ContainerError {
            /// Every refusal, in the order of this file.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The stable code.
            #[must_use]
            pub fn code(self) -> &'static str { match self { $(Self::$name => $code),* } }

            /// The sentence in English.
            #[must_use]
            pub fn text_en(self) -> &'static str { match self { $(Self::$name => $en),* } }

            /// The sentence in Ukrainian.
            #[must_use]
            pub fn text_uk(self) -> &'static str { match self { $(Self::$name => $uk),* } }

            /// The clause that is not met.
            #[must_use]
            pub fn clause(self) -> &'static str { match self { $(Self::$name => $clause),* } }
        }
    };
}

// APPNOTE is PKWARE's description of the ZIP format, to which EN 319 162-1 refers; its sections carry these numbers since version 6.3.
container_errors! {
    // --- the archive
    /// No end of central directory.
    NotZip = "container.not_zip", "APPNOTE, 4.3.16",
        "The file is not a ZIP archive.",
        "Файл не є ZIP-архівом.";
    /// A structure reaches past the end of the file, or past the structure that holds it.
    CutShort = "container.cut_short", "APPNOTE, 4.3",
        "The archive is cut short.",
        "Архів обрізано.";
    /// More than one end of central directory fits.
    AmbiguousEnd = "container.ambiguous_end", "APPNOTE, 4.3.16",
        "The archive has several ends, so that different programs would read different contents.",
        "Архів має кілька завершень, тому різні програми прочитали б різний вміст.";
    /// The archive's comment is longer than the limit.
    Comment = "container.comment_too_long", "APPNOTE, 4.4.12",
        "The comment of the archive is too long.",
        "Коментар архіву задовгий.";
    /// The central directory does not hold together.
    CentralDirectory = "container.central_directory", "APPNOTE, 4.3.12",
        "The directory of the archive is damaged.",
        "Каталог архіву пошкоджено.";
    /// Bytes that belong to no entry.
    DataOutside = "container.data_outside", "APPNOTE, 4.3.6",
        "The archive holds data that belongs to none of its files.",
        "Архів містить дані, що не належать жодному з його файлів.";
    /// Entries that share bytes.
    Overlap = "container.overlap", "APPNOTE, 4.3.6",
        "Files of the archive overlap.",
        "Файли архіву накладаються один на один.";
    /// Local and central header of an entry say different things.
    HeadersDisagree = "container.headers_disagree", "APPNOTE, 4.3.7 and 4.3.12",
        "The archive describes one of its files in two different ways.",
        "Архів описує один із своїх файлів двома різними способами.";
    /// A data descriptor that does not fit its entry.
    DataDescriptor = "container.data_descriptor", "APPNOTE, 4.3.9",
        "The sizes that follow a file of the archive are not those of the file.",
        "Розміри, записані після файлу архіву, не відповідають файлу.";
    /// ZIP64 fields that are missing, superfluous or untrue.
    Zip64 = "container.zip64", "APPNOTE, 4.3.14 and 4.5.3",
        "The large-file fields of the archive are not true.",
        "Поля архіву для великих файлів недостовірні.";
    /// An extra field that cannot be taken apart, or that gives the entry another name.
    ExtraField = "container.extra_field", "APPNOTE, 4.5",
        "An additional field of the archive is malformed or gives a file another name.",
        "Додаткове поле архіву пошкоджене або надає файлу іншу назву.";
    /// Spread over several disks.
    SeveralDisks = "container.several_disks", "ETSI EN 319 162-1, A.1",
        "The archive is split into several volumes.",
        "Архів розділено на кілька томів.";
    /// An encrypted entry.
    Encrypted = "container.encrypted", "ETSI EN 319 162-1, A.1",
        "The archive is encrypted.",
        "Архів зашифровано.";
    /// Neither stored nor deflated.
    CompressionMethod = "container.compression_method", "APPNOTE, 4.4.5",
        "A file of the archive is compressed in a way that is not accepted.",
        "Файл архіву стиснуто у спосіб, який не приймається.";
    /// A symbolic link, a device, a pipe.
    SpecialFile = "container.special_file", "APPNOTE, 4.4.15",
        "The archive holds a link or a device instead of a file.",
        "Архів містить посилання або пристрій замість файлу.";
    /// A directory with content.
    DirectoryContent = "container.directory_content", "APPNOTE, 4.3.8",
        "A folder of the archive has content of its own.",
        "Тека архіву має власний вміст.";
    // --- names
    /// Two entries of one name.
    DuplicateEntry = "container.duplicate_entry", "ETSI EN 319 162-1, A.1",
        "The archive holds two files of one name.",
        "Архів містить два файли з однаковою назвою.";
    /// Names that differ only in letter case, in normal form, or in what some file systems drop.
    TwinNames = "container.twin_names", "Unicode Standard Annex 15",
        "The archive holds files whose names cannot be told apart.",
        "Архів містить файли, назви яких неможливо розрізнити.";
    /// `..`, an absolute path, a backslash, a drive letter, an empty component.
    PathTraversal = "container.path_traversal", "APPNOTE, 4.4.17.1",
        "The name of a file in the archive leads out of the archive.",
        "Назва файлу в архіві веде за межі архіву.";
    /// NUL, control and invisible characters.
    EntryName = "container.entry_name", "APPNOTE, 4.4.17",
        "The name of a file in the archive has characters that cannot be seen.",
        "Назва файлу в архіві містить невидимі символи.";
    /// Not UTF-8.
    NameEncoding = "container.name_encoding", "APPNOTE, appendix D",
        "The name of a file in the archive is not in UTF-8.",
        "Назву файлу в архіві записано не в UTF-8.";
    /// Longer than the limit.
    NameLength = "container.name_too_long", "APPNOTE, 4.4.10",
        "The name of a file in the archive is too long.",
        "Назва файлу в архіві задовга.";
    // --- bounds
    /// More entries than the limit.
    TooManyEntries = "container.too_many_entries", "ETSI EN 319 102-1, 5.2.2",
        "The archive holds too many files.",
        "Архів містить забагато файлів.";
    /// Compressed more than any document is.
    CompressionRatio = "container.compression_ratio", "ETSI EN 319 102-1, 5.2.2",
        "The archive would unpack to many times its size.",
        "Архів розпакувався б до розміру, у багато разів більшого за власний.";
    /// More bytes than the budget.
    TooLarge = "container.too_large", "ETSI EN 319 102-1, 5.2.2",
        "The content of the archive is too large.",
        "Вміст архіву завеликий.";
    /// A signature, manifest or time-stamp larger than the limit.
    MetadataTooLarge = "container.metadata_too_large", "ETSI EN 319 102-1, 5.2.2",
        "A signature or manifest in the container is too large.",
        "Підпис або маніфест у контейнері завеликий.";
    /// More signatures, manifests or time-stamps than the limit.
    TooManySignatures = "container.too_many_signatures", "ETSI EN 319 102-1, 5.2.2",
        "The container holds too many signatures, manifests or time-stamps.",
        "Контейнер містить забагато підписів, маніфестів або позначок часу.";
    // --- content of entries
    /// The compressed data is malformed, or not of the size that is stated.
    DamagedEntry = "container.damaged_entry", "RFC 1951, 3.2",
        "A file of the archive is damaged.",
        "Файл архіву пошкоджено.";
    /// CRC-32 differs.
    Checksum = "container.checksum", "APPNOTE, 4.4.7",
        "The checksum of a file in the archive does not match.",
        "Контрольна сума файлу в архіві не збігається.";
    /// The bytes could not be read where they are kept.
    Source = "container.source", "-",
        "The file could not be read.",
        "Файл не вдалося прочитати.";
    // --- the container
    /// A ZIP archive that is no signed container.
    NotAsic = "container.not_asic", "ETSI EN 319 162-1, 4.3 and 4.4",
        "The archive is not a signed container.",
        "Архів не є підписаним контейнером.";
    /// mimetype and comment name different types.
    TypeConflict = "container.type_conflict", "ETSI EN 319 162-1, A.1",
        "The container says of itself that it is of two different types.",
        "Контейнер називає два різні типи самого себе.";
    /// Neither signature nor time-stamp.
    NoSignature = "container.no_signature", "ETSI EN 319 162-1, 4.3.3.2 and 4.4.3.2",
        "The container holds no signature.",
        "Контейнер не містить підпису.";
    /// CAdES and XAdES signatures in one container.
    MixedFlavours = "container.mixed_flavours", "ETSI EN 319 162-1, 4.3.3.2 and 4.4.3.2",
        "The container mixes kinds of signature that may not stand together.",
        "Контейнер поєднує види підпису, які не можуть бути разом.";
    /// ASiC-S holds exactly one data object, at its root.
    DataObjects = "container.data_objects", "ETSI EN 319 162-1, 4.3.3.1",
        "A simple container must hold exactly one document beside its signature.",
        "Простий контейнер має містити рівно один документ поруч із підписом.";
    // --- manifests
    /// Not an ASiCManifest.
    Manifest = "container.manifest", "ETSI EN 319 162-1, A.4",
        "A manifest of the container is malformed.",
        "Маніфест контейнера має неправильну будову.";
    /// A document type declaration.
    ManifestDoctype = "container.manifest_doctype", "ETSI EN 319 162-1, A.4",
        "A manifest of the container has a document type declaration, which is not accepted.",
        "Маніфест контейнера має оголошення типу документа, яке не приймається.";
    /// Deeper, or with more nodes or attributes, than the limits.
    ManifestLimits = "container.manifest_limits", "ETSI EN 319 102-1, 5.2.2",
        "A manifest of the container is too complex.",
        "Маніфест контейнера заскладний.";
    /// An extension that must be understood and is not.
    ManifestExtension = "container.manifest_extension", "ETSI EN 319 162-1, A.4",
        "A manifest of the container has a critical extension that is not known here.",
        "Маніфест контейнера має критичне розширення, яке тут невідоме.";
}

impl ContainerError {
    /// For a report.
    #[must_use]
    pub fn reason(self) -> Reason {
        Reason {
            code: self.code().into(),
            text_en: self.text_en().into(),
            text_uk: self.text_uk().into(),
            clause: self.clause().into(),
        }
    }
}

macro_rules! findings {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $indication:ident / $sub:ident, $problem:ident, $clause:literal, $en:literal, $uk:literal;)*) => {
        /// What is wrong with a signature's place in its container.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub(super) enum Finding { $($(#[$doc])* $name,)* }

        impl Finding {
            #[cfg(test)]
            pub(super) const ALL: &'static [Self] = &[$(Self::$name),*];

            /// What ETSI EN 319 102-1 concludes from it alone.
            pub(super) fn conclusion(self) -> (Indication, SubIndication) {
                match self { $(Self::$name => (Indication::$indication, SubIndication::$sub)),* }
            }

            /// How a door refuses it.
            pub(super) fn problem(self) -> ProblemCode { match self { $(Self::$name => ProblemCode::$problem),* } }

            /// For the report; `about` is the file that it is about.
            pub(super) fn reason(self, about: &str) -> Reason {
                match self {
                    $(Self::$name => Reason {
                        code: $code.into(),
                        text_en: format!("{}: {about}.", $en),
                        text_uk: format!("{}: {about}.", $uk),
                        clause: $clause.into(),
                    }),*
                }
            }
        }
    };
}

findings! {
    /// The mimetype is not the first entry.
    MimetypeLate = "container.mimetype_late", TotalFailed / FormatFailure, SignatureFormat, "ETSI EN 319 162-1, A.1",
        "The entry that names the container's type is not the first one",
        "Запис, що називає тип контейнера, не перший";
    /// The mimetype is compressed.
    MimetypeCompressed = "container.mimetype_compressed", TotalFailed / FormatFailure, SignatureFormat, "ETSI EN 319 162-1, A.1",
        "The entry that names the container's type is compressed",
        "Запис, що називає тип контейнера, стиснуто";
    /// The mimetype's local header has an extra field.
    MimetypeExtraField = "container.mimetype_extra_field", TotalFailed / FormatFailure, SignatureFormat, "ETSI EN 319 162-1, A.1",
        "The entry that names the container's type has additional fields",
        "Запис, що називає тип контейнера, має додаткові поля";
    /// The mimetype's content is the type and something else: a byte order mark, white space.
    MimetypeContent = "container.mimetype_content", TotalFailed / FormatFailure, SignatureFormat, "ETSI EN 319 162-1, A.1",
        "The entry that names the container's type holds other characters as well",
        "Запис, що називає тип контейнера, містить і зайві символи";
    /// Not CMS SignedData with a signer, or not XML with a signature.
    SignatureUnreadable = "container.signature_unreadable", TotalFailed / FormatFailure, SignatureFormat, "ETSI EN 319 162-1, 4.3.3.2 and 4.4.3.2",
        "A signature file of the container cannot be read",
        "Файл підпису в контейнері неможливо прочитати";
    /// More than one signature file in ASiC-S.
    SeveralSignatureFiles = "container.several_signature_files", TotalFailed / FormatFailure, SignatureFormat, "ETSI EN 319 162-1, 4.3.3.2",
        "A simple container has one signature file, and this one has several",
        "Простий контейнер має один файл підпису, а цей має декілька";
    /// A simple container with none or several documents, or an extended one without any; with XAdES, where it is clear what is signed
    /// all the same.
    DocumentCount = "container.document_count", TotalFailed / FormatFailure, SignatureFormat, "ETSI EN 319 162-1, 4.3.3.1 and 4.4.3.1",
        "A simple container holds exactly one document, any other one at least; not so the one of this signature file",
        "Простий контейнер містить рівно один документ, будь-який інший щонайменше один; контейнер цього файлу підпису не такий";
    /// No ASiCManifest refers to the signature.
    ManifestMissing = "container.manifest_missing", Indeterminate / SignedDataNotFound, SignatureOverOtherContent, "ETSI EN 319 162-1, 4.4.4.2",
        "No manifest says what the signature covers",
        "Жоден маніфест не каже, що охоплює підпис";
    /// Several ASiCManifests refer to the signature.
    ManifestAmbiguous = "container.manifest_ambiguous", TotalFailed / FormatFailure, SignatureFormat, "ETSI EN 319 162-1, 4.4.4.2",
        "Several manifests say what the signature covers",
        "Кілька маніфестів кажуть, що охоплює підпис";
    /// A reference that leads to no entry.
    ObjectMissing = "container.object_missing", Indeterminate / SignedDataNotFound, SignatureOverOtherContent, "ETSI EN 319 162-1, A.4; ETSI EN 319 102-1, 5.2.7",
        "A signed file is missing from the container",
        "У контейнері бракує підписаного файлу";
    /// A reference that two entries answer to.
    ObjectAmbiguous = "container.object_ambiguous", TotalFailed / FormatFailure, SignatureFormat, "ETSI EN 319 162-1, A.4",
        "A reference may mean either of two files",
        "Посилання може вказувати на будь-який із двох файлів";
    /// The digest of a referenced entry differs.
    ObjectChanged = "container.object_changed", TotalFailed / HashFailure, SignatureOverOtherContent, "ETSI EN 319 162-1, A.4; ETSI EN 319 102-1, 5.2.7",
        "A signed file of the container was changed",
        "Підписаний файл контейнера змінено";
    /// A hash chain that is not formed as one, lacks a step, or leads back to itself.
    HashChain = "container.hash_chain", TotalFailed / FormatFailure, SignatureFormat, "X-Road, hashchain.xsd",
        "The hash chain through which the batch was signed or time-stamped is malformed",
        "Ланцюг гешів, через який підписано пакет або поставлено позначку часу, має неправильну будову";
    /// More steps, values or files than the limits.
    HashChainLimits = "container.hash_chain_limits", TotalFailed / FormatFailure, SignatureFormat, "ETSI EN 319 102-1, 5.2.2",
        "The hash chain through which the batch was signed or time-stamped is too complex",
        "Ланцюг гешів, через який підписано пакет або поставлено позначку часу, заскладний";
    /// The steps have another digest than the result says.
    HashChainResult = "container.hash_chain_result", TotalFailed / HashFailure, SignatureOverOtherContent, "X-Road, hashchain.xsd; ETSI EN 319 102-1, 5.2.7",
        "The hash chain does not lead to the result that was signed or time-stamped",
        "Ланцюг гешів не веде до результату, який підписано або на який поставлено позначку часу";
    /// A reference with a digest algorithm that cannot be computed here.
    DigestUnknown = "container.digest_unknown", Indeterminate / CryptoConstraintsFailure, SignatureWeakAlgorithm, "ETSI EN 319 102-1, 5.2.7 and 5.2.8",
        "A reference uses a digest algorithm that cannot be checked here",
        "Посилання використовує алгоритм гешування, який тут неможливо перевірити";
    /// A reference with a digest algorithm that is no longer accepted.
    DigestWeak = "container.digest_weak", Indeterminate / CryptoConstraintsFailureNoPoe, SignatureWeakAlgorithm, "ETSI EN 319 102-1, 5.2.8; TS 119 312",
        "A reference uses a digest algorithm that is no longer accepted",
        "Посилання використовує алгоритм гешування, який вже не приймається";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn assert_speaks(reason: &Reason) {
        assert!(reason.code.starts_with("container."), "{}", reason.code);
        assert!(reason.text_en.is_ascii() && reason.text_en.ends_with('.'), "{}", reason.code);
        assert!(reason.text_uk.chars().any(|c| ('а'..='я').contains(&c)), "{}", reason.code);
        assert!(!reason.clause.is_empty(), "{}", reason.code);
    }

    #[test]
    fn codes_are_unique_and_speak_both_languages() {
        let errors = ContainerError::ALL.iter().map(|error| error.reason());
        let findings = Finding::ALL.iter().map(|finding| finding.reason("a.txt"));
        let reasons: Vec<Reason> = errors.chain(findings).collect();
        reasons.iter().for_each(assert_speaks);
        let codes: BTreeSet<&str> = reasons.iter().map(|reason| reason.code.as_str()).collect();
        assert_eq!(codes.len(), reasons.len());
    }

    #[test]
    fn a_finding_names_the_file() {
        let reason = Finding::ObjectChanged.reason("договір.pdf");
        assert_eq!(reason.text_en, "A signed file of the container was changed: договір.pdf.");
    }
}
