//! What events are called in the two languages of a protocol.

use schemas::evidence::EvidenceKind;

/// The language of a protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// Ukrainian.
    Ukrainian,
}

impl Language {
    /// The text in this language.
    #[must_use]
    pub fn choose<'t>(self, english: &'t str, ukrainian: &'t str) -> &'t str {
        match self {
            Self::English => english,
            Self::Ukrainian => ukrainian,
        }
    }
}

/// What happened, as a sentence without its full stop.
pub(super) fn event(kind: EvidenceKind, language: Language) -> &'static str {
    let (english, ukrainian) = match kind {
        EvidenceKind::SubmissionAcceptance => ("the node accepted the submission", "вузол прийняв подання"),
        EvidenceKind::SubmissionRejection => ("the node refused the submission", "вузол відхилив подання"),
        EvidenceKind::RelayAcceptance => {
            ("the next node took the message over", "наступний вузол перейняв повідомлення")
        }
        EvidenceKind::RelayRejection => ("the next node refused the message", "наступний вузол відхилив повідомлення"),
        EvidenceKind::RelayFailure => ("the next node could not be reached", "наступний вузол був недосяжний"),
        EvidenceKind::ConsignmentAcceptance => ("the recipient accepted the document", "отримувач прийняв документ"),
        EvidenceKind::ConsignmentRejection => ("the recipient refused the document", "отримувач відхилив документ"),
        EvidenceKind::AcceptanceRejectionExpiry => {
            ("the recipient let the term pass", "отримувач не відповів у визначений строк")
        }
        EvidenceKind::ContentConsignment => {
            ("the document was put into the recipient's mailbox", "документ доставлено до скриньки отримувача")
        }
        EvidenceKind::ContentConsignmentFailure => {
            ("the document could not be put into the mailbox", "документ не вдалося доставити до скриньки")
        }
        EvidenceKind::ConsignmentNotification => ("the recipient was notified", "отримувача сповіщено"),
        EvidenceKind::ConsignmentNotificationFailure => {
            ("the recipient could not be notified", "отримувача не вдалося сповістити")
        }
        EvidenceKind::ContentHandover => {
            ("the document was handed over to the recipient's system", "документ вручено системі отримувача")
        }
        EvidenceKind::SubmissionAnnouncement => ("a submission was announced", "подання оголошено"),
        EvidenceKind::SubmissionHold => {
            ("the submission is complete and waits for a fact", "подання повне, очікується відсутній факт")
        }
        EvidenceKind::RelayQueueing => ("the message is to go to another node", "повідомлення призначено іншому вузлу"),
        EvidenceKind::RelayAttempt => ("a relay was begun", "розпочато передавання"),
        EvidenceKind::RelayDelay => {
            ("the relay did not succeed and will be tried again", "передавання не вдалося, буде повторено")
        }
        EvidenceKind::ConsignmentRetry => {
            ("operators had the message delivered again", "оператори призначили повторне доставлення")
        }
        EvidenceKind::ContentRegistration => {
            ("the recipient registered the document", "отримувач зареєстрував документ")
        }
        EvidenceKind::ContentErasure => ("keys and parts were destroyed", "ключі та частини знищено"),
    };
    language.choose(english, ukrainian)
}
