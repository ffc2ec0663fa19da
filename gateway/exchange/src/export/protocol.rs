//! The protocol of a case for people: who sent what to whom, and each step with its evidence.

use std::fmt::Write as _;

use schemas::evidence::EvidenceStatement;
use schemas::export::{CaseManifest, ExportedMessage};
use schemas::message::{Part, PartRole};
use schemas::state::State;
use time::OffsetDateTime;
use time::macros::format_description;

use super::words::{self, Language};

/// The protocol in both languages, Ukrainian first.
pub(super) fn both(manifest: &CaseManifest, statements: &[EvidenceStatement]) -> String {
    let [ukrainian, english] =
        [Language::Ukrainian, Language::English].map(|language| protocol(manifest, statements, language));
    format!("{ukrainian}\n----------------------------------------------------------------\n\n{english}")
}

/// The protocol. `statements`: what the evidence of the manifest states.
#[must_use]
pub fn protocol(manifest: &CaseManifest, statements: &[EvidenceStatement], language: Language) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = writeln!(text, "{}", language.choose("PROTOCOL OF A CASE", "ПРОТОКОЛ СПРАВИ"));
    let mut field = |english: &str, ukrainian: &str, value: &str| {
        let _ = writeln!(text, "{}: {value}", language.choose(english, ukrainian));
    };
    field("Case", "Справа", &manifest.case_id.to_string());
    field("Node", "Вузол", &manifest.node);
    field("Made at", "Складено", &moment(manifest.made_at));
    if let Some(last) = manifest.next_after {
        field("The case goes on after message", "Справа продовжується після повідомлення", &last.to_string());
    }
    for message in &manifest.messages {
        one_message(&mut text, message, statements, language);
    }
    let _ = write!(text, "\n{}", closing(language));
    text
}

fn one_message(text: &mut String, message: &ExportedMessage, statements: &[EvidenceStatement], language: Language) {
    let mut field = |english: &str, ukrainian: &str, value: &str| {
        let _ = writeln!(text, "{}: {value}", language.choose(english, ukrainian));
    };
    field("\nMessage", "\nПовідомлення", &message.message_id.to_string());
    field("  From (EDRPOU)", "  Від (ЄДРПОУ)", message.sender.as_str());
    field("  To (mailbox)", "  Кому (скринька)", &message.recipient.to_string());
    field("  Kind of document", "  Вид документа", message.kind.as_str());
    for part in &message.parts {
        one_part(text, part, message.erased, language);
    }
    let of_message = statements.iter().filter(|statement| statement.message_id == Some(message.message_id));
    for statement in of_message {
        one_step(text, statement, language);
    }
}

fn one_part(text: &mut String, part: &Part, erased: bool, language: Language) {
    let role = match part.role {
        PartRole::Document => language.choose("document", "документ"),
        PartRole::Attachment => language.choose("attachment", "додаток"),
        PartRole::Signature => language.choose("its signature", "підпис документа"),
    };
    let (label, bytes) = (language.choose("Part", "Частина"), language.choose("bytes", "байтів"));
    let _ = writeln!(text, "  {label} {}: {role}, {} {bytes}", part.number, part.size);
    if erased {
        let label = language.choose("erased: only its digests are left", "вилучено: залишилися тільки дайджести");
        let _ = writeln!(text, "    {label}");
    }
    let _ = writeln!(text, "    SHA-256: {}", part.sha256);
    if let Some(sealed) = &part.sealed_sha256 {
        let label = language.choose("SHA-256 as sealed", "SHA-256 запечатаної");
        let _ = writeln!(text, "    {label}: {sealed}");
    }
}

fn one_step(text: &mut String, statement: &EvidenceStatement, language: Language) {
    let (at, kind) = (moment(statement.at), statement.kind);
    let number = statement.step.unwrap_or_default();
    let _ = writeln!(text, "  {number}. {at}  {} {}", kind.code(), words::event(kind, language));
    let _ = writeln!(text, "     {}: {}", language.choose("evidence", "доказ"), statement.evidence_id);
    if let Some(reason) = &statement.reason {
        let _ = writeln!(text, "     {}: {}", language.choose("reason", "причина"), one_line(reason));
    }
    if let Some(State::Registered { number, date }) = &statement.state {
        let label = language.choose("registered as", "реєстраційний номер");
        let _ = writeln!(text, "     {label}: {} / {}", one_line(number), one_line(date));
    }
}

/// A stranger's words must not look like lines of the protocol.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn moment(at: OffsetDateTime) -> String {
    let form = format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");
    at.to_offset(time::UtcOffset::UTC).format(&form).unwrap_or_default()
}

fn closing(language: Language) -> &'static str {
    language.choose(
        "Each piece of evidence is signed by the node (JAdES B-B); the container is signed as a whole (CAdES).\n\
         To check it without the node: vuzol evidence verify FILE.asice --node-certificate NODE.pem --part 0=DOCUMENT\n\
         This text is for reading; what counts is the evidence.\n",
        "Кожен доказ підписано вузлом (JAdES B-B); контейнер підписано як ціле (CAdES).\n\
         Перевірити без вузла: vuzol evidence verify ФАЙЛ.asice --node-certificate ВУЗОЛ.pem --part 0=ДОКУМЕНТ\n\
         Цей текст - для читання; значення мають докази.\n",
    )
}
