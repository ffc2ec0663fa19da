//! `vuzol admin trust status`: every trusted list of a running node in words.

use std::fmt::Write as _;

use schemas::trust::{Trust, TrustPurpose, TrustedListStatus};
use time::{Duration, OffsetDateTime};

use super::exit;
use crate::commands::terminal::{Language, printable};

/// A list that is due within this time is named: its operator is late, or the way to it is closed.
const SOON: Duration = Duration::days(7);

/// The lists as text.
pub(super) fn words(trust: &Trust, now: OffsetDateTime, language: Language) -> String {
    // Writing to a String cannot fail, hence the ignored results.
    let mut text = String::new();
    if trust.trusted_lists.is_empty() {
        let none = language.choose(
            "No trusted list is configured: the folders of the configuration and what operators state decide alone.",
            "Довірчих списків не налаштовано: вирішують лише теки з налаштувань і те, що заявили оператори.",
        );
        let _ = writeln!(text, "{none}");
    }
    for list in &trust.trusted_lists {
        let _ = writeln!(text, "{}  {}", list.name, verdict(list, now, language));
        for (label, value) in facts(list, language) {
            let _ = writeln!(text, "   {label:<14} {value}");
        }
        for flaw in &list.flaws {
            let sentence = language.choose(&flaw.text_en, &flaw.text_uk);
            let left_out = if flaw.left_out { language.choose(" (left out)", " (пропущено)") } else { "" };
            let _ = writeln!(text, "   - {}{left_out}: {sentence} [{}; {}]", flaw.place, flaw.code, flaw.clause);
        }
        if list.further_flaws > 0 {
            let more = language.choose("further flaws", "інших вад");
            let _ = writeln!(text, "   - {more}: {}", list.further_flaws);
        }
        if let Some(problem) = &list.problem {
            let sentence = language.choose(&problem.text_en, &problem.text_uk);
            let since = language.choose("since", "з");
            let _ = writeln!(
                text,
                "   ! {sentence} [{}; {}; {since} {}]",
                problem.code,
                problem.clause,
                moment(problem.since)
            );
        }
    }
    if let Some(problem) = &trust.problem {
        let _ = writeln!(text, "! {problem}");
    }
    printable(&text)
}

/// 0 where every list is in use and as it should be, 2 where something needs an eye.
pub(super) fn code(trust: &Trust) -> u8 {
    let is_well = |list: &TrustedListStatus| list.sequence_number.is_some() && !list.overdue && list.problem.is_none();
    if trust.problem.is_none() && trust.trusted_lists.iter().all(is_well) { exit::OK } else { exit::UNDECIDED }
}

/// What there is to know first.
fn verdict(list: &TrustedListStatus, now: OffsetDateTime, language: Language) -> String {
    if list.sequence_number.is_none() {
        return language
            .choose(
                "NOT IN USE: no list has been believed yet, and nobody is believed because of it",
                "НЕ ВИКОРИСТОВУЄТЬСЯ: жодному випуску ще не повірили, і нікому не довіряють на його підставі",
            )
            .into();
    }
    let soon = list.next_update.is_some_and(|due| due - now < SOON);
    match (list.overdue, &list.problem, soon) {
        (true, ..) => language.choose(
            "OVERDUE: the next issue should be there; this one stays in force until it comes",
            "ПРОСТРОЧЕНО: мав вийти наступний випуск; до його появи чинним лишається цей",
        ),
        (false, Some(_), _) => language.choose(
            "in use; what was found last is NOT BELIEVED",
            "використовується; останньому знайденому НЕ ПОВІРИЛИ",
        ),
        (false, None, true) => language.choose(
            "in use; the next issue is due within a week",
            "використовується; наступний випуск має вийти протягом тижня",
        ),
        (false, None, false) => language.choose("in use", "використовується"),
    }
    .into()
}

fn facts(list: &TrustedListStatus, language: Language) -> Vec<(&'static str, String)> {
    let say = |english: &'static str, ukrainian: &'static str| language.choose(english, ukrainian);
    let mut facts = Vec::new();
    if let (Some(territory), Some(number)) = (&list.territory, list.sequence_number) {
        let operator = list.operator.as_deref().unwrap_or("-");
        facts.push((say("list", "список"), format!("{territory}, {} {number}, {operator}", say("no.", "№"))));
    }
    if let Some(issued) = list.issued_at {
        let due = list.next_update.map_or_else(|| say("never", "ніколи").to_owned(), moment);
        facts.push((say("issued", "видано"), format!("{}; {} {due}", moment(issued), say("next due", "наступний до"))));
    }
    facts.extend(list.signer.clone().map(|signer| (say("signed by", "підписав"), signer)));
    if list.sequence_number.is_some() {
        let counts = match language {
            Language::English => format!(
                "{} providers with {} services; now {} issue qualified certificates, {} qualified time-stamps",
                list.providers, list.services, list.qualified_authorities, list.qualified_timestamping
            ),
            Language::Ukrainian => format!(
                "надавачів {}, послуг {}; зараз кваліфіковані сертифікати видають {}, кваліфіковані позначки часу {}",
                list.providers, list.services, list.qualified_authorities, list.qualified_timestamping
            ),
        };
        facts.push((say("services", "послуги"), counts));
    }
    if list.sequence_number.is_some() {
        let authorities = match language {
            Language::English => format!("{} certificates of services are trust anchors now", list.anchors),
            Language::Ukrainian => format!("сертифікатів послуг, яким зараз довіряють: {}", list.anchors),
        };
        facts.push((say("anchors", "довірені"), authorities));
    }
    let purposes: Vec<&str> = list.purposes.iter().copied().map(TrustPurpose::as_str).collect();
    facts.push((say("believed for", "довіра для"), purposes.join(", ")));
    facts.push((say("asked at", "адреса"), list.location.clone()));
    let checked = list.checked_at.map_or_else(|| say("not since the start", "не від запуску").to_owned(), moment);
    facts.push((say("last answer", "відповідь"), checked));
    facts
}

fn moment(time: OffsetDateTime) -> String {
    time.replace_nanosecond(0)
        .unwrap_or(time)
        .format(&time::format_description::well_known::Rfc3339)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::trust::{ListFlaw, ListProblem};
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-26 12:00 UTC);

    fn list() -> TrustedListStatus {
        TrustedListStatus {
            name: "EU.EE".into(),
            location: "https://lists.example/ee.xml".into(),
            purposes: vec![TrustPurpose::Signing, TrustPurpose::Timestamping],
            territory: Some("EE".into()),
            operator: Some("Authority\u{202e} of lists".into()),
            sequence_number: Some(77),
            issued_at: Some(datetime!(2026-11-01 00:00 UTC)),
            next_update: Some(datetime!(2027-04-01 00:00 UTC)),
            overdue: false,
            signer: Some("CN=Signer".into()),
            sha256: Some([7; 32].into()),
            providers: 3,
            services: 20,
            qualified_authorities: 5,
            qualified_timestamping: 2,
            anchors: 9,
            flaws: vec![],
            further_flaws: 0,
            checked_at: Some(NOW),
            problem: None,
        }
    }

    fn trust(lists: Vec<TrustedListStatus>) -> Trust {
        Trust { snapshot: [1; 32].into(), certificates: vec![], lists: vec![], trusted_lists: lists, problem: None }
    }

    #[test]
    fn a_list_is_told_in_both_languages() {
        let trust = trust(vec![list()]);
        let text = words(&trust, NOW, Language::English);
        for part in [
            "EU.EE  in use\n",
            "EE, no. 77, Authority",
            "2026-11-01T00:00:00Z; next due 2027-04-01T00:00:00Z",
            "CN=Signer",
            "3 providers with 20 services; now 5 issue qualified certificates, 2 qualified time-stamps",
            "signing, timestamping",
            "https://lists.example/ee.xml",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains('\u{202e}'), "a stranger's direction marks are not printed");
        assert!(words(&trust, NOW, Language::Ukrainian).contains("EE, № 77"));
        assert_eq!(code(&trust), exit::OK);
    }

    #[test]
    fn flaws_are_told_with_their_place_and_alarm_nobody() {
        let flaw = ListFlaw {
            place: "Provider: Service".into(),
            left_out: true,
            code: "trust_list.identity".into(),
            text_en: "Nothing says by what the service is known.".into(),
            text_uk: "Не вказано, за чим упізнати послугу.".into(),
            clause: "ETSI TS 119 612, 5.5.3".into(),
        };
        let trust = trust(vec![TrustedListStatus { flaws: vec![flaw], further_flaws: 4, ..list() }]);
        let text = words(&trust, NOW, Language::English);
        let told = "- Provider: Service (left out): Nothing says by what the service is known. [trust_list.identity; ";
        assert!(text.contains(told) && text.contains("further flaws: 4"), "{text}");
        assert!(words(&trust, NOW, Language::Ukrainian).contains("(пропущено): Не вказано"));
        assert_eq!(code(&trust), exit::OK);
    }

    #[test]
    fn what_is_wrong_is_said_first_and_why() {
        let problem = ListProblem {
            code: "trust_list.older".into(),
            text_en: "Trusted list no. 76 is older than no. 77, which is in force.".into(),
            text_uk: "Довірчий список № 76 старіший за чинний № 77.".into(),
            clause: "ETSI TS 119 612, 5.3.2".into(),
            since: NOW,
        };
        let rolled_back = TrustedListStatus { problem: Some(problem), ..list() };
        let overdue = TrustedListStatus { overdue: true, ..list() };
        let absent = TrustedListStatus { sequence_number: None, territory: None, issued_at: None, ..list() };
        let soon = TrustedListStatus { next_update: Some(NOW + Duration::days(3)), ..list() };
        for (list, expected, exit) in [
            (rolled_back, "NOT BELIEVED", exit::UNDECIDED),
            (overdue, "OVERDUE", exit::UNDECIDED),
            (absent, "NOT IN USE", exit::UNDECIDED),
            (soon, "due within a week", exit::OK),
        ] {
            let trust = trust(vec![list]);
            let text = words(&trust, NOW, Language::English);
            assert!(text.lines().next().unwrap().contains(expected), "{text}");
            assert_eq!(code(&trust), exit, "{expected}");
        }
        let told = words(&trust(vec![TrustedListStatus { problem: None, ..list() }]), NOW, Language::English);
        assert!(!told.contains('!'), "{told}");
        assert!(words(&trust(Vec::new()), NOW, Language::English).contains("No trusted list is configured"));
    }
}
