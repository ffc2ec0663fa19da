//! Refusals: problem details (RFC 9457) with a stable code, a sentence for the clerk in English and Ukrainian, and the
//! clause for the engineer.
//!
//! The code is the problem's `type` (`urn:vuzol:problem:<code>`), the metric label, the audit entry's reason and the key
//! of the test. A code is never reused and never changes its meaning. Which HTTP status a code comes with is decided at
//! the door (`gateway/src/http`), not here.

mod table;

use std::fmt;

use serde::{Deserialize, Serialize};
use table::problem_codes;

/// A problem as it is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Problem {
    /// `urn:vuzol:problem:<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The code alone.
    pub code: String,
    /// HTTP status.
    pub status: u16,
    /// What went wrong, in English.
    pub title: String,
    /// What went wrong, in Ukrainian.
    pub title_uk: String,
    /// What exactly, for the caller; never a secret, never personal data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The clause of the standard that was not met.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
    /// The request, as in the node's log: `urn:uuid:<request id>`.
    pub instance: String,
    /// Evidence A.2 SubmissionRejection, where a submission was refused: a JWS in compact form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
}

/// Who has to act before a repeat can succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The caller sent something wrong.
    Caller,
    /// Somebody else's service or certificate.
    Peer,
    /// The operator of the node.
    Operator,
    /// A defect of ours.
    Node,
}

problem_codes! {
    // --- who is asking
    ClientCertificateMissing = "login.certificate_missing", Caller, None,
        "The connection presented no client certificate.",
        "З'єднання встановлено без сертифіката клієнта.";
    ClientCertificateUntrusted = "login.certificate_untrusted", Caller, Some("RFC 5280, 6.1"),
        "The client certificate does not lead to an authority that this node trusts.",
        "Сертифікат клієнта не веде до центру сертифікації, якому довіряє вузол.";
    ClientCertificateExpired = "login.certificate_expired", Caller, Some("RFC 5280, 6.1.3 (a)(2)"),
        "The client certificate is outside its validity period.",
        "Строк дії сертифіката клієнта не почався або закінчився.";
    ClientCertificateRevoked = "login.certificate_revoked", Caller, Some("RFC 5280, 6.1.3 (a)(3)"),
        "The client certificate is revoked.",
        "Сертифікат клієнта скасовано.";
    ClientCertificateStatusUnknown = "login.certificate_status_unknown", Peer, Some("RFC 5280, 6.1.3 (a)(3)"),
        "Whether the client certificate is revoked cannot be established now. Try again later.",
        "Зараз неможливо встановити, чи не скасовано сертифікат клієнта. Спробуйте пізніше.";
    ClientCertificateUnregistered = "login.certificate_unregistered", Caller, None,
        "The client certificate is valid, but no participant has registered it.",
        "Сертифікат клієнта чинний, але його не зареєстровано за жодним учасником.";
    ChallengeInvalid = "login.challenge_invalid", Caller, None,
        "The text is not a challenge of this node for this portal and purpose, or it was altered. Ask for a new one.",
        "Цей текст не є завданням цього вузла для цього порталу й цієї дії, або його змінено. Отримайте нове завдання.";
    ChallengeExpired = "login.challenge_expired", Caller, None,
        "The challenge was not answered in time. Ask for a new one.",
        "Час на підписання завдання минув. Отримайте нове завдання.";
    ChallengeAnswered = "login.challenge_answered", Caller, None,
        "The challenge was answered before. Ask for a new one.",
        "На це завдання вже відповіли. Отримайте нове завдання.";
    LoginSeveralSigners = "login.several_signers", Caller, None,
        "A challenge is signed by one person; this signature file has several signers.",
        "Завдання підписує одна особа, а цей файл підпису має кілька підписувачів.";
    LoginNamesNoPerson = "login.names_no_person", Caller, None,
        "The certificate, or the identity provider, names no person by RNOKPP or UNZR; or the certificate is one of a seal.",
        "Сертифікат чи постачальник ідентифікації не називає РНОКПП або УНЗР особи, або це сертифікат печатки.";
    LoginRefused = "login.refused", Caller, None,
        "It is known who you are, but you have no access here.",
        "Вашу особу встановлено, але Ви не маєте тут доступу.";
    ProviderAttemptInvalid = "login.attempt_invalid", Caller, Some("OpenID Connect Core 1.0, 3.1.2.7"),
        "This browser has begun no login of this kind here, or its time is over, or it was finished. Begin anew.",
        "Цей браузер не починав такого входу на цьому порталі, або його час минув, або його вже завершено. Почніть знову.";
    ProviderRefused = "login.provider_refused", Caller, Some("RFC 6749, 4.1.2.1"),
        "The identity provider did not let you in, or you declined. Begin anew.",
        "Постачальник ідентифікації не підтвердив вхід, або Ви відмовилися. Почніть знову.";
    ProviderAnswerWrong = "login.provider_answer", Peer, Some("OpenID Connect Core 1.0, 3.1.3.7"),
        "What the identity provider says of the login cannot be believed.",
        "Відповідь постачальника ідентифікації щодо цього входу не заслуговує на довіру.";
    ProviderUnavailable = "login.provider_unavailable", Peer, None,
        "The identity provider does not answer now. Try again later, or log in with a signature.",
        "Постачальник ідентифікації зараз не відповідає. Спробуйте пізніше або увійдіть за допомогою підпису.";
    LoginThrottled = "login.throttled", Caller, Some("RFC 6585, 4"),
        "Too many logins of this person, organisation or address. Try again later.",
        "Забагато входів цієї особи, від цієї організації або з цієї адреси. Спробуйте пізніше.";
    SessionMissing = "session.missing", Caller, None,
        "There is no session. Log in.",
        "Сеансу немає. Виконайте вхід.";
    SessionEnded = "session.ended", Caller, None,
        "The session is over. Log in again.",
        "Сеанс завершено. Виконайте вхід знову.";
    SessionForeignOrigin = "session.foreign_origin", Caller, Some("RFC 6454, 7"),
        "The request does not come from a page of this portal.",
        "Запит надійшов не зі сторінки цього порталу.";
    SessionCsrfToken = "session.csrf_token", Caller, None,
        "The request does not carry the Vuzol-Csrf token of its session.",
        "Запит не містить коду Vuzol-Csrf свого сеансу.";
    SessionOtherPerson = "session.other_person", Caller, None,
        "The deed was confirmed by another person than the one whose session it is.",
        "Дію підтвердила не та особа, якій належить сеанс.";
    SessionWithoutCertificate = "session.without_certificate", Caller, None,
        "The evidence of this deed names the certificate of the login. Log in with a signature.",
        "Доказ цієї дії називає сертифікат входу. Увійдіть за допомогою підпису.";
    TokenRefused = "login.token_refused", Caller, Some("RFC 6750, 3.1"),
        "The API token is unknown, has expired or was taken back.",
        "Ключ доступу невідомий, прострочений або відкликаний.";
    TooManyAnonymousRequests = "login.too_many_attempts", Caller, None,
        "Too many requests without a valid login. Try again later.",
        "Забагато запитів без успішного входу. Спробуйте пізніше.";
    // --- how much of it
    QuotaRequests = "quota.requests", Caller, Some("RFC 6585, 4"),
        "Your systems ask more often than this node allows a participant. Ask less often.",
        "Ваші системи звертаються частіше, ніж вузол дозволяє учаснику. Зменште частоту запитів.";
    QuotaSession = "quota.session_requests", Caller, Some("RFC 6585, 4"),
        "Your session asks more often than this node allows. Wait a few seconds.",
        "Ваш сеанс надсилає запити частіше, ніж дозволяє вузол. Зачекайте кілька секунд.";
    QuotaConcurrent = "quota.concurrent", Caller, Some("RFC 6585, 4"),
        "Your systems hand in more documents at once than this node allows a participant. Wait until some are answered.",
        "Ваші системи подають одночасно більше документів, ніж вузол дозволяє учаснику. Зачекайте на відповіді.";
    QuotaBytes = "quota.bytes", Caller, Some("RFC 6585, 4"),
        "Your systems have uploaded today what this node allows a participant in a day. Go on tomorrow, or ask its operator.",
        "Сьогодні ваші системи вже передали дозволений учаснику добовий обсяг. Продовжте завтра або зверніться до оператора.";
    QuotaMailboxFull = "quota.mailbox_full", Peer, Some("RFC 6585, 4"),
        "Too many messages wait in the recipient's mailbox. Try again when it has fetched some.",
        "У скриньці одержувача очікує забагато повідомлень. Спробуйте, коли він їх забере.";
    QuotaHeld = "quota.held", Peer, Some("RFC 6585, 4"),
        "The signatures of this submission would have to wait, and too many of your submissions wait already. Try again when some are decided.",
        "Підписи цього подання мали б зачекати, а ваших подань очікує вже забагато. Спробуйте, коли щодо частини з них буде рішення.";
    QuotaAnnounced = "quota.announced", Caller, Some("RFC 6585, 4"),
        "Too many of your announced submissions are neither sent nor given up. Send some, or withdraw them.",
        "Забагато ваших оголошених подань ще не надіслано й не скасовано. Надішліть або скасуйте частину з них.";
    // --- may they
    ActionForbidden = "access.forbidden", Caller, None,
        "Your role does not allow this action.",
        "Ваша роль не дозволяє цю дію.";
    StepUpRequired = "access.step_up_required", Caller, None,
        "You may do this, with a signature of just now: sign the challenge that the node issues for it, and ask again.",
        "Ви маєте на це право, але потрібен щойно накладений підпис: підпишіть виклик, який видасть вузол, і повторіть запит.";
    PurposeMissing = "purpose.missing", Caller, Some("Law of Ukraine 2297-VI, Art. 6"),
        "Personal data is looked at for a stated purpose only. State one of those that this node lists.",
        "Персональні дані переглядають лише із зазначеною метою. Зазначте одну з мет, визначених для вузла.";
    PurposeUnknown = "purpose.unknown", Caller, Some("Law of Ukraine 2297-VI, Art. 6"),
        "This purpose is not one of those that this node lists.",
        "Такої мети немає серед визначених для вузла.";
    SenderNotYou = "access.sender_not_you", Caller, None,
        "The envelope names a sender other than the participant that is logged in.",
        "Відправник у конверті не збігається з учасником, що виконав вхід.";
    ChannelNotAllowed = "access.channel_not_allowed", Caller, None,
        "No channel allows you to send this kind of document to this mailbox.",
        "Жоден канал не дозволяє вам надсилати документи цього виду до цієї скриньки.";
    // --- people and their roles
    PersonNumberWrong = "person.number_wrong", Caller, None,
        "A personal number is missing, is not one, or its control digit is wrong.",
        "Особистого номера немає, він має неправильний вигляд або хибну контрольну цифру.";
    PersonRegistered = "person.already_registered", Caller, None,
        "This person is registered already.",
        "Цю особу вже зареєстровано.";
    PersonNumbersOfTwo = "person.numbers_of_two", Caller, None,
        "As the node knows it, these numbers are not those of one person.",
        "За даними вузла ці номери не належать одній особі.";
    PeopleNotKept = "person.not_kept", Operator, None,
        "This node keeps no people: its operator has given it no identity key.",
        "Цей вузол не веде обліку осіб: оператор не надав йому ключа ідентифікації.";
    RoleScopeWrong = "role.scope_wrong", Caller, None,
        "This role is entrusted for the node and not within a participant, or the other way round.",
        "Ця роль надається для вузла, а не в межах учасника, або навпаки.";
    RoleNotEntrusted = "role.not_entrusted", Caller, None,
        "Nobody is entrusted with this role: whoever is identified has it.",
        "Цю роль ніхто не надає: її має кожен, кого ідентифіковано.";
    RoleDatesWrong = "role.dates_wrong", Caller, None,
        "The role would begin in the past, or end before it begins.",
        "Роль починалася б у минулому або закінчувалася б раніше, ніж почнеться.";
    RoleOwn = "role.own", Caller, None,
        "Nobody entrusts themselves with a role.",
        "Ніхто не надає ролі собі.";
    RoleIncompatible = "role.incompatible", Caller, Some("ISO/IEC 27001:2022, A.5.3"),
        "This person has a role that nobody has together with this one.",
        "Ця особа має роль, несумісну з цією.";
    RoleHeld = "role.already_held", Caller, None,
        "This person has this role already in that time.",
        "Ця особа вже має цю роль на цей час.";
    RoleParticipantUnknown = "role.unknown_participant", Caller, None,
        "There is no such participant.",
        "Такого учасника немає.";
    ImportRefused = "import.rows_refused", Caller, None,
        "Rows of the import are wrong, and nothing was entered. A dry run names each.",
        "У рядках імпорту є помилки, нічого не внесено. Пробний запуск назве кожну.";
    ImportTableWrong = "import.table_wrong", Caller, Some("RFC 4180, 2"),
        "The table is not CSV as it must be.",
        "Таблиця не є CSV належного вигляду.";
    ImportColumns = "import.columns", Caller, Some("RFC 4180, 2.3"),
        "The first line does not name the columns that this table has.",
        "Перший рядок не називає стовпців, які має ця таблиця.";
    ImportValueWrong = "import.value_wrong", Caller, None,
        "A value is missing or has not the form that its column demands.",
        "Значення немає, або воно не має вигляду, якого вимагає стовпець.";
    ImportRowRepeated = "import.row_repeated", Caller, None,
        "The table has this row before.",
        "Цей рядок у таблиці вже є.";
    ImportDiffers = "import.differs", Caller, None,
        "The node has this already, but otherwise. An import changes nothing that is there: change it singly.",
        "Вузол це вже має, але в іншому вигляді. Імпорт не змінює наявного: змініть його окремо.";
    ImportPersonUnknown = "import.person_unknown", Caller, None,
        "The directory has no such person, and neither has the table of people.",
        "Такої особи немає ні в обліку, ні в таблиці осіб.";
    ImportUndoneBefore = "import.already_undone", Caller, None,
        "This import was undone before.",
        "Цей імпорт уже скасовано.";
    TokenScope = "access.token_scope", Caller, Some("RFC 6750, 3.1"),
        "The API token was not issued for this action.",
        "Ключ доступу не видано для цієї дії.";
    TooManyTokens = "token.too_many", Caller, None,
        "The participant has as many valid API tokens as this node allows. Take one back first.",
        "Учасник уже має стільки чинних ключів доступу, скільки дозволяє вузол. Спершу відкличте один із них.";
    // --- what they asked for
    NotFound = "request.not_found", Caller, Some("RFC 9110, 15.5.5"),
        "There is nothing at this address for you.",
        "За цією адресою для вас нічого немає.";
    MethodNotAllowed = "request.method_not_allowed", Caller, Some("RFC 9110, 15.5.6"),
        "This address does not support the method.",
        "Ця адреса не підтримує такий метод.";
    MalformedId = "request.malformed_id", Caller, Some("RFC 9562, 4"),
        "An identifier in the address is malformed.",
        "Ідентифікатор в адресі має неправильний вигляд.";
    MalformedQuery = "request.malformed_query", Caller, None,
        "The query of the address is malformed.",
        "Параметри запиту мають неправильний вигляд.";
    MalformedJson = "request.malformed_json", Caller, Some("RFC 8259"),
        "The JSON of the request is malformed or does not fit its schema.",
        "JSON у запиті пошкоджено, або він не відповідає схемі.";
    MalformedMultipart = "request.malformed_multipart", Caller, Some("RFC 7578"),
        "The multipart body is malformed, or its parts are not envelope, signature, document in this order.",
        "Тіло multipart пошкоджено, або його частини йдуть не в порядку envelope, signature, document.";
    TruncatedBody = "request.truncated_body", Caller, Some("RFC 9112, 8"),
        "The request body ended before it was complete.",
        "Тіло запиту обірвалося до його завершення.";
    UnsupportedMediaType = "request.unsupported_media_type", Caller, Some("RFC 9110, 15.5.16"),
        "The request body has a media type that this operation does not accept.",
        "Ця операція не приймає такий тип вмісту.";
    TooLarge = "request.too_large", Caller, Some("RFC 9110, 15.5.14"),
        "The request body, or a part of it, is larger than this node accepts.",
        "Тіло запиту або його частина більші, ніж приймає вузол.";
    RepeatedHeader = "request.repeated_header", Caller, Some("RFC 9110, 5.3"),
        "A header that may stand once is repeated.",
        "Заголовок, який має бути один, повторено.";
    MalformedHeader = "request.malformed_header", Caller, None,
        "A header of the request is malformed.",
        "Заголовок запиту має неправильний вигляд.";
    MissingHeader = "request.missing_header", Caller, None,
        "A header that this operation needs is missing.",
        "Бракує заголовка, потрібного для цієї операції.";
    RangeNotNext = "upload.range_not_next", Caller, None,
        "The range does not begin where the received part ends, and is not one that was received. Ask what was received.",
        "Діапазон не починається там, де закінчується отримане, і не збігається з отриманим раніше. Запитайте, що отримано.";
    RangeDiffers = "upload.range_differs", Caller, None,
        "This range was received before with other content.",
        "Цей діапазон уже отримано з іншим вмістом.";
    DigestMismatch = "upload.digest_mismatch", Caller, Some("RFC 9530, 2; RFC 9530, 3"),
        "The content has another digest than was stated. It was not kept.",
        "Дайджест вмісту не збігається із заявленим. Вміст не збережено.";
    RangeNotSatisfiable = "request.range_not_satisfiable", Caller, Some("RFC 9110, 15.5.17"),
        "The range lies outside the part.",
        "Запитаний діапазон лежить поза межами частини.";
    PartsInconsistent = "submission.parts_inconsistent", Caller, None,
        "The announced parts do not make a submission: each document and attachment needs its signature.",
        "Оголошені частини не складають подання: кожен документ і вкладення потребує підпису.";
    SubmissionIncomplete = "submission.incomplete", Caller, None,
        "Parts of the announced submission are missing.",
        "Бракує частин оголошеного подання.";
    SubmissionSent = "submission.already_sent", Caller, None,
        "The announced submission was sent; nothing of it can be changed.",
        "Оголошене подання вже надіслано; змінити його неможливо.";
    AnnouncementsNotTaken = "submission.announcements_not_taken", Operator, None,
        "This node has no key ring and takes submissions in one request only.",
        "Вузол не має кільця ключів і приймає подання лише одним запитом.";
    AnnouncementLapsed = "submission.announcement_lapsed", Caller, None,
        "The announced submission was not completed in time.",
        "Оголошене подання не було завершено вчасно.";
    SubmissionEnded = "submission.already_ended", Caller, None,
        "This submission was handed in before and came to nothing; the evidence says how it ended. Hand it in anew under another key.",
        "Це подання вже надходило й завершилося невдало; доказ показує, чим саме. Подайте його знову з іншим ключем.";
    IdempotencyKeyReused = "request.idempotency_key_reused", Caller, None,
        "The Idempotency-Key was used before for another submission.",
        "Цей Idempotency-Key уже використано для іншого подання.";
    RequestTimeout = "request.timeout", Caller, Some("RFC 9110, 15.5.9"),
        "The request did not arrive in time.",
        "Запит не надійшов вчасно.";
    // --- submissions
    UnknownRecipient = "submission.unknown_recipient", Caller, None,
        "There is no such mailbox.",
        "Такої скриньки немає.";
    RecipientCannotReceive = "submission.recipient_cannot_receive", Operator, None,
        "The recipient has no valid encryption certificate, so nothing can be sealed to it.",
        "Одержувач не має чинного сертифіката шифрування, тому зашифрувати документ для нього неможливо.";
    RecipientStatusUnknown = "submission.recipient_status_unknown", Peer, Some("RFC 5280, 6.1.3 (a)(3)"),
        "Whether the recipient's encryption certificate is revoked cannot be established now. Try again later.",
        "Зараз неможливо встановити, чи не скасовано сертифікат шифрування одержувача. Спробуйте пізніше.";
    RecipientSuspended = "recipient.suspended", Operator, None,
        "An operator has suspended the recipient: nothing can be sent to it now.",
        "Оператор призупинив приймання одержувачем: зараз йому нічого не можна надіслати.";
    RecipientTakesOtherKinds = "recipient.kind_not_taken", Caller, None,
        "The recipient does not take documents of this kind.",
        "Одержувач не приймає документів цього виду.";
    UnknownCase = "submission.unknown_case", Caller, None,
        "There is no such case between you and the recipient.",
        "Такої справи між вами та одержувачем немає.";
    EmptyDocument = "submission.empty_document", Caller, None,
        "The document is empty.",
        "Документ порожній.";
    ContentInfected = "content.infected", Caller, Some("ISO/IEC 27001:2022, A.8.7"),
        "Malware was recognised in what you sent; the detail names it. Nothing of it was kept.",
        "У надісланому виявлено шкідливе програмне забезпечення; подробиці називають його. Нічого не збережено.";
    ContentNotScannable = "content.not_scannable", Caller, Some("ISO/IEC 27001:2022, A.8.7"),
        "What you sent cannot be looked into for malware: it is too large, encrypted or broken, and this node accepts nothing unseen.",
        "Надіслане неможливо перевірити на шкідливе програмне забезпечення: завелике, зашифроване або пошкоджене. Без перевірки вузол не приймає.";
    ScannerUnavailable = "content.scanner_unavailable", Operator, Some("ISO/IEC 27001:2022, A.8.7"),
        "What you sent cannot be scanned for malware now, and this node accepts nothing unscanned. Try again later.",
        "Зараз неможливо перевірити надіслане на шкідливе програмне забезпечення, а без перевірки вузол не приймає. Спробуйте пізніше.";
    // --- signatures
    SignatureMissing = "signature.missing", Caller, Some("ETSI EN 319 102-1, 5.2.2"),
        "The signature file holds no signature.",
        "Файл підпису не містить жодного підпису.";
    SignatureUnreadable = "signature.unreadable", Caller, Some("ETSI EN 319 102-1, 5.2.2"),
        "The signature cannot be read.",
        "Підпис неможливо прочитати.";
    SignatureFormat = "signature.format_failure", Caller, Some("ETSI EN 319 102-1, 5.2.2"),
        "The signature does not conform to its format.",
        "Підпис не відповідає своєму формату.";
    SignatureOverOtherContent = "signature.hash_failure", Caller, Some("ETSI EN 319 102-1, 5.2.7"),
        "The signature is over other content: the document was changed, or it is another document.",
        "Підпис стосується іншого вмісту: документ змінено, або це інший документ.";
    SignatureValueWrong = "signature.crypto_failure", Caller, Some("ETSI EN 319 102-1, 5.2.7"),
        "The signature value does not verify under the signing certificate.",
        "Значення підпису не підтверджується сертифікатом підписувача.";
    SignerUnidentified = "signature.no_signing_certificate", Caller, Some("ETSI EN 319 102-1, 5.2.3"),
        "The signing certificate cannot be identified.",
        "Сертифікат підписувача неможливо визначити.";
    SignerUntrusted = "signature.untrusted_signer", Caller, Some("ETSI EN 319 102-1, 5.2.6"),
        "The signing certificate does not lead to an authority that this node trusts.",
        "Сертифікат підписувача не веде до центру сертифікації, якому довіряє вузол.";
    SignerRevoked = "signature.revoked_signer", Caller, Some("ETSI EN 319 102-1, 5.3.4"),
        "The signing certificate is revoked.",
        "Сертифікат підписувача скасовано.";
    SignerSuspended = "signature.signer_on_hold", Caller, Some("RFC 5280, 5.3.1; Regulation (EU) 910/2014, Art. 28(5)"),
        "The signing certificate is suspended.",
        "Дію сертифіката підписувача призупинено.";
    SignerExpired = "signature.expired_signer", Caller, Some("ETSI EN 319 102-1, 5.3.4"),
        "The signing certificate is outside its validity period, and nothing proves an earlier signing time.",
        "Строк дії сертифіката підписувача не почався або закінчився, а раніший час підписання не доведено.";
    SignerStatusUnknown = "signature.status_unknown", Peer, Some("ETSI EN 319 102-1, 5.2.5"),
        "The status of the signing certificate cannot be established now. Try again later.",
        "Статус сертифіката підписувача зараз неможливо встановити. Спробуйте пізніше.";
    MetadataInvalid = "metadata.invalid", Caller, Some("JSON Schema 2020-12, Validation"),
        "The metadata do not follow their schema; the detail names places and keywords.",
        "Метадані не відповідають своїй схемі; у подробицях названо місця та ключові слова.";
    MetadataSchemaUnknown = "metadata.schema_unknown", Caller, None,
        "The metadata name a schema that this node does not know, or another one than the channel demands.",
        "Метадані називають схему, якої цей вузол не знає, або не ту, якої вимагає канал.";
    MetadataRequired = "metadata.required", Caller, None,
        "The channel demands metadata, and there are none.",
        "Канал вимагає метаданих, а їх немає.";
    SignatureConstraints = "signature.constraints", Caller, Some("ETSI EN 319 102-1, 5.2.8"),
        "The signature does not meet the acceptance policy of the channel.",
        "Підпис не відповідає політиці приймання каналу.";
    SignatureWeakAlgorithm = "signature.weak_algorithm", Caller, Some("ETSI EN 319 102-1, 5.2.8; TS 119 312"),
        "The signature uses an algorithm or key size that is no longer accepted.",
        "Підпис використовує алгоритм або довжину ключа, які вже не приймаються.";
    SignerNotOfSender = "signature.signer_not_of_sender", Caller, None,
        "The signing certificate belongs to another organisation than the sender.",
        "Сертифікат підписувача належить іншій організації, а не відправнику.";
    // --- messages
    LeaseNotHeld = "message.lease_not_held", Caller, None,
        "You do not hold a lease on this message, or it has expired.",
        "Ви не утримуєте це повідомлення, або час утримання минув.";
    NotHandedOver = "message.not_handed_over", Caller, None,
        "The message was not downloaded yet, so it cannot be acknowledged.",
        "Повідомлення ще не завантажено, тому підтвердити його неможливо.";
    AlreadyFinal = "message.already_final", Caller, None,
        "The message has come to a final state before.",
        "Повідомлення вже перейшло до остаточного стану.";
    AcknowledgementMismatch = "message.acknowledgement_mismatch", Caller, None,
        "The signed acknowledgement names another message, another document, or lacks the reason of a refusal.",
        "Підписане підтвердження стосується іншого повідомлення чи документа або не містить причини відмови.";
    NotQuarantined = "message.not_quarantined", Caller, None,
        "The message is not in quarantine.",
        "Повідомлення не перебуває в карантині.";
    SameOperator = "proposal.same_operator", Caller, None,
        "You have proposed this yourself: another operator must confirm it.",
        "Це запропонували ви: підтвердити має інший оператор.";
    KeyDestroyed = "message.key_destroyed", Operator, Some("RFC 9110, 15.5.11"),
        "The key of this document was destroyed: nobody can open it any more. The evidence stays.",
        "Ключ цього документа знищено: відкрити його вже ніхто не може. Докази зберігаються.";
    KeyUnavailable = "message.key_unavailable", Operator, None,
        "The node cannot use the key of this document now. Its operator has to mend the key ring; try again later.",
        "Вузол зараз не може скористатися ключем цього документа. Оператор має полагодити кільце ключів; спробуйте пізніше.";
    // --- retention
    UnknownRetentionClass = "retention.unknown_class", Caller, None,
        "This node has no such class of retention.",
        "Вузол не має такого класу зберігання.";
    NothingToHold = "hold.nothing_kept", Caller, None,
        "Nothing of this message is kept that could be held: the node did not accept it, or it is erased.",
        "Від цього повідомлення не зберігається нічого, що можна заборонити вилучати: вузол його не прийняв, або його вже вилучено.";
    HoldLifted = "hold.already_lifted", Caller, None,
        "This legal hold was lifted before.",
        "Цю заборону вилучення вже знято.";
    NothingDue = "disposal.nothing_due", Caller, None,
        "Nothing of this class is due for disposal.",
        "Документів цього класу, строк зберігання яких минув, немає.";
    DisposalNumberTaken = "disposal.number_taken", Caller, None,
        "Another disposal act has this number.",
        "Акт про вилучення з таким номером уже існує.";
    DisposalActClosed = "disposal.act_closed", Caller, None,
        "The disposal act has both its signatures, or was withdrawn: nothing of it can be changed.",
        "Акт про вилучення вже має обидва підписи або відкликаний: змінити його неможливо.";
    SignerNotOfCommission = "disposal.signer_not_of_commission", Caller, None,
        "The signer is no member of the commission that this node is configured with.",
        "Підписувач не входить до складу комісії, визначеної для вузла.";
    DisposalSamePerson = "disposal.same_person", Caller, None,
        "This person has signed the act already: another member of the commission must sign it too.",
        "Ця особа вже підписала акт: його має підписати також інший член комісії.";
    TooManyWaiting = "mailbox.too_many_waiting", Caller, Some("RFC 6585, 4"),
        "Too many of your requests are waiting for mail. Let one of them end.",
        "Забагато ваших запитів чекають на пошту. Дочекайтеся завершення одного з них.";
    // --- what people keep at the node, and apply for
    ApplicationEnded = "application.ended", Caller, None,
        "The application was withdrawn or closed: nothing of it can be changed, and what was attached is seen no more than its retention allows.",
        "Заяву відкликано або закрито: змінити її неможливо, а додане до неї видно лише протягом строку зберігання.";
    ApplicationsFull = "application.too_many", Caller, None,
        "You have as many open applications as this node allows a person. Withdraw one, or wait until one is closed.",
        "Ви маєте найбільшу дозволену особі кількість відкритих заяв. Відкличте одну або дочекайтеся закриття.";
    CopiesFull = "copy.too_many", Caller, None,
        "You keep as many copies as this node allows a person. Erase one first.",
        "Ви зберігаєте найбільшу дозволену особі кількість копій. Спершу вилучіть одну.";
    CopyAttached = "copy.attached", Caller, None,
        "The copy is attached to an application that is open or still kept. It can be erased when it is not.",
        "Копію додано до відкритої заяви або заяви, строк зберігання якої триває. Вилучити її можна після цього.";
    // --- break-glass access
    BreakGlassOwn = "break_glass.own_matter", Caller, None,
        "It is your own matter: somebody else must open this access, or review it.",
        "Це ваша власна справа: відкрити такий доступ або оцінити його має інша особа.";
    BreakGlassReason = "break_glass.reason_wrong", Caller, None,
        "A reason, and a note of a review, has 20 to 1000 characters and says why; the minutes are within what this node allows.",
        "Причина й висновок перевірки мають від 20 до 1000 знаків і пояснюють чому; кількість хвилин не перевищує дозволену вузлом.";
    BreakGlassOpen = "break_glass.open", Caller, None,
        "You have break-glass access that is open: one thing at a time. End it first.",
        "Ви вже маєте відкритий екстрений доступ, а він можливий лише до однієї справи. Спершу завершіть його.";
    BreakGlassUnreviewed = "break_glass.unreviewed", Caller, None,
        "Too many of your break-glass accesses are not reviewed yet. A security officer must review them first.",
        "Забагато ваших екстрених доступів ще не перевірено. Спершу їх має перевірити офіцер безпеки.";
    BreakGlassOver = "break_glass.over", Caller, None,
        "This break-glass access is over: its time has passed, or it was ended.",
        "Цей екстрений доступ закінчився: минув його час, або його завершили.";
    BreakGlassNotOver = "break_glass.not_over", Caller, None,
        "This break-glass access is still open: it is reviewed once it is over.",
        "Цей екстрений доступ ще відкрито: його перевіряють після завершення.";
    BreakGlassReviewed = "break_glass.reviewed", Caller, None,
        "This break-glass access was reviewed before.",
        "Цей екстрений доступ уже перевірено.";
    // --- notices
    WebhookNotAllowed = "subscription.url_not_allowed", Caller, None,
        "Notices are posted to https addresses of public hosts only, without credentials, at port 443 or above 1023.",
        "Сповіщення надсилаються лише на публічні адреси https без облікових даних, на порт 443 або вищий за 1023.";
    WebhooksNotOffered = "subscription.not_offered", Operator, None,
        "This node posts no notices: its operator has not set it up for them.",
        "Цей вузол не надсилає сповіщень: оператор їх не налаштував.";
    // --- between nodes
    RelayEvidenceWrong = "relay.evidence_wrong", Caller, None,
        "The evidence is not one of your node, does not verify, or does not speak of this message.",
        "Доказ не належить вашому вузлу, не підтверджується або стосується іншого повідомлення.";
    RelayConflict = "relay.conflict", Caller, None,
        "Another message has this number.",
        "Цей номер уже має інше повідомлення.";
    RelayIncomplete = "relay.incomplete", Caller, None,
        "A part is not complete, or is not what was offered. Ask what is there and send the rest.",
        "Частина неповна або відрізняється від оголошеної. Запитайте, що вже є, і надішліть решту.";
    RelayTooEarly = "relay.too_early", Caller, None,
        "This node does not know yet that the message has arrived. Try again later.",
        "Вузол ще не знає, що повідомлення прибуло. Спробуйте пізніше.";
    // --- other nodes, as operators state them
    PeerConfigured = "peer.configured", Operator, None,
        "The configuration of this node names this other node: over the API it cannot be changed.",
        "Цей інший вузол названо в конфігурації вузла: через API змінити його неможливо.";
    PeerChanged = "peer.changed", Caller, None,
        "What holds of this other node is not the version that you would replace. Read it and decide anew.",
        "Для цього іншого вузла діє не та версія, яку ви замінюєте. Прочитайте чинну й вирішіть знову.";
    PeerWithoutLogin = "peer.no_login_here", Operator, None,
        "This node has no certificate to log in at other nodes with: its configuration names none.",
        "Вузол не має сертифіката для входу на інших вузлах: у конфігурації його не названо.";
    // --- whom the node believes
    LastAnchor = "trust.last_anchor", Caller, None,
        "Without this certificate the node would believe nobody for a purpose that it needs. State its successor first.",
        "Без цього сертифіката вузол не довіряв би нікому для потрібної йому мети. Спершу додайте наступний сертифікат.";
    // --- policies
    BundleRefused = "policy.bundle_refused", Operator, None,
        "The bundle of policies is not signed by whom the configuration names, is older than the one in force, or is unsound.",
        "Пакет політик не підписано тими, кого названо в конфігурації, він старіший за чинний або непридатний.";
    // --- searching the log
    AuditFilterWrong = "audit.filter_wrong", Caller, None,
        "The filter cannot be used: a name is too long, a deed or a result is none of the log's, the times or entries are in the wrong order, or the same is stated twice.",
        "Фільтр непридатний: задовге ім'я, невідома журналу дія чи результат, хибний порядок часу чи записів або те саме вказано двічі.";
    AuditRangeWrong = "audit.range_wrong", Caller, None,
        "The log has no such entries, or they are more than one export holds.",
        "Журнал не має таких записів, або їх більше, ніж уміщує одне вивантаження.";
    AlertRemarkWrong = "alert.remark_wrong", Caller, None,
        "A remark has 3 to 1000 characters, and no control characters but line breaks.",
        "Примітка має від 3 до 1000 знаків і не містить керівних символів, крім розриву рядка.";
    AlertSeenBefore = "alert.seen_before", Caller, None,
        "Somebody has seen this alert before, and said what they think of it.",
        "Це сповіщення вже переглянуто, і примітку до нього внесено.";
    // --- erasing what the log holds about a person
    ErasureGroundWrong = "erasure.ground_wrong", Caller, None,
        "The ground of an erasure has 3 to 1000 characters on one line, without control characters.",
        "Підстава стирання має від 3 до 1000 знаків в одному рядку без керівних символів.";
    ErasureOwn = "erasure.own", Caller, Some("ISO/IEC 27001:2022, A.5.3"),
        "Nobody proposes or confirms that details about themselves are erased.",
        "Ніхто не пропонує й не підтверджує стирання відомостей про себе.";
    ErasureNothing = "erasure.nothing", Caller, None,
        "The log holds no details about this person.",
        "Журнал не має відомостей про цю особу.";
    ErasureHeld = "erasure.held", Caller, None,
        "A legal hold forbids it: some of the details are about a message or a case that is under one.",
        "Стирання заборонено: частина відомостей стосується повідомлення або справи, на які накладено заборону вилучення.";
    ErasureTooMuch = "erasure.too_much", Operator, None,
        "The log holds more about this person than one erasure takes: an operator must prune it first.",
        "Журнал має про цю особу більше записів, ніж охоплює одне стирання: спершу оператор має скоротити журнал.";
    ErasureNotSealed = "erasure.not_sealed", Operator, None,
        "This node does not seal the details of its log, so that they cannot be erased: its configuration names no key for it.",
        "Вузол не запечатує відомостей журналу, тому стерти їх неможливо: у конфігурації не названо ключа.";
    // --- transparency log
    NotYetInLog = "log.not_yet_integrated", Node, None,
        "The event is recorded, but the log has not numbered it yet. Try again in a second.",
        "Подію записано, але журнал її ще не пронумерував. Спробуйте за секунду.";
    // --- us
    Overloaded = "node.overloaded", Operator, Some("RFC 9110, 15.6.4"),
        "The node is busy. Nothing was accepted; try again shortly.",
        "Вузол перевантажено. Нічого не прийнято; спробуйте трохи згодом.";
    StorageUnavailable = "node.storage_unavailable", Operator, Some("RFC 9110, 15.6.4"),
        "The node cannot store anything now. Nothing was accepted.",
        "Вузол зараз не може зберігати дані. Нічого не прийнято.";
    NoSpace = "node.no_space", Operator, Some("RFC 9110, 15.6.4"),
        "The node's disk is nearly full: it does nothing that it could not record. Nothing was accepted; try again later.",
        "Диск вузла майже заповнений: вузол не робить нічого, чого не зміг би занести до журналу. Нічого не прийнято; спробуйте пізніше.";
    EvidenceUnavailable = "node.evidence_unavailable", Operator, Some("RFC 9110, 15.6.4"),
        "The node cannot sign evidence now. Nothing was accepted; try again later.",
        "Вузол зараз не може підписувати докази. Нічого не прийнято; спробуйте пізніше.";
    LogUnwitnessed = "node.log_unwitnessed", Operator, Some("RFC 9110, 15.6.4"),
        "For too long no quorum of witnesses has vouched for the node's log. Nothing was accepted; try again later.",
        "Кворум свідків надто довго не засвідчував журнал вузла. Нічого не прийнято; спробуйте пізніше.";
    Internal = "node.internal", Node, Some("RFC 9110, 15.6.1"),
        "The node failed. The operators can find the request by its number.",
        "Збій вузла. Оператори знайдуть запит за його номером.";
}

impl ProblemCode {
    /// The problem's type URI.
    #[must_use]
    pub fn type_uri(self) -> String {
        format!("urn:vuzol:problem:{}", self.as_str())
    }
}

impl fmt::Display for ProblemCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests;
