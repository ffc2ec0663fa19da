use std::fmt::Write as _;

use schemas::ProblemCode::{self, ImportRefused, ImportUndoneBefore, NotFound, SameOperator};
use schemas::access::Role;
use schemas::directory::{ImportCount, ImportOutcome, ImportRequest, ImportUndone};
use schemas::registry::ParticipantQuery;
use schemas::{ImportId, PersonId};

use crate::actor::Actor;
use crate::decide::{ImportDirectory, Permit};
use crate::people::tests::{Hall, code, operator, rnokpp};
use crate::people::{Directory, DirectoryError, PersonalNumbers};
use crate::town::edrpou;

const CENTRES: u32 = 35;
const BODIES: u32 = 354;
const PEOPLE: u32 = 446;

/// A region: its centres and bodies, and their people, of whom each fifth is a head. All made up.
fn region() -> ImportRequest {
    let (mut participants, mut people, mut roles) = (
        "\u{feff}edrpou,name,mailboxes\r\n".to_owned(),
        "name,rnokpp\r\n".to_owned(),
        "rnokpp,role,participant\r\n".to_owned(),
    );
    for number in 0..CENTRES + BODIES {
        let kind = if number < CENTRES { "Центр" } else { "Орган" };
        write!(participants, "{},\"{kind} \"\"{number}\"\", область\",office archive\r\n", code_of(number)).unwrap();
    }
    for number in 0..PEOPLE {
        let at = number % (CENTRES + BODIES);
        let role = match (at < CENTRES, number % 5 == 0) {
            (true, true) => "head_of_centre",
            (true, false) => "centre_administrator",
            (false, true) => "head_of_agency",
            (false, false) => "authorised_representative",
        };
        write!(people, "Особа {number},{}\r\n", rnokpp(number)).unwrap();
        write!(roles, "{},{role},{}\r\n", rnokpp(number), code_of(at)).unwrap();
    }
    ImportRequest { participants: Some(participants), people: Some(people), roles: Some(roles), dry_run: false }
}

fn code_of(number: u32) -> String {
    format!("88{number:06}")
}

fn table(people: &str) -> Option<String> {
    Some(format!("name,rnokpp,unzr\n{people}"))
}

impl Hall {
    async fn imports(&self, actor: &Actor, request: &ImportRequest) -> Result<ImportOutcome, DirectoryError> {
        let permit: Permit<ImportDirectory> = self.town.access.decide(actor, ()).await.unwrap();
        self.people.import(permit, self.town.registry(), request.clone()).await
    }

    async fn tries(&self, request: &ImportRequest) -> ImportOutcome {
        self.imports(&operator(1), &ImportRequest { dry_run: true, ..request.clone() }).await.unwrap()
    }

    async fn undoes(&self, import: ImportId) -> Result<ImportUndone, DirectoryError> {
        let permit: Permit<ImportDirectory> = self.town.access.decide(&operator(3), ()).await.unwrap();
        self.people.undo_import(permit, self.town.registry(), import).await
    }

    /// Participants to whom nothing can be sent.
    async fn suspended(&self) -> Vec<String> {
        let participants = self.town.registry().participants(&ParticipantQuery::default()).await.unwrap().participants;
        participants.iter().filter(|it| it.suspended).map(|it| it.edrpou.to_string()).collect()
    }

    async fn found(&self, number: u32) -> Option<PersonId> {
        let numbers = PersonalNumbers { rnokpp: Some(rnokpp(number)), unzr: None };
        self.people.identify(&numbers).await.unwrap()
    }

    /// Rows of the audit log, and of the tables that an import writes.
    async fn counted(&self) -> Vec<i64> {
        let sql = "-- counted
            SELECT (SELECT count(*) FROM audit_outbox), (SELECT count(*) FROM participant), (SELECT count(*) FROM person),
                (SELECT count(*) FROM role_assignment), (SELECT count(*) FROM directory_import)";
        let counted = self.town.ledger.reader().read("counted", move |tx| {
            tx.query_optional(sql, &[], |row| (0..5).map(|column| row.integer(column)).collect::<Result<Vec<_>, _>>())
        });
        counted.await.unwrap().unwrap()
    }
}

fn counts(outcome: &ImportOutcome) -> [(u64, u64); 3] {
    [outcome.participants, outcome.people, outcome.roles].map(|ImportCount { added, unchanged }| (added, unchanged))
}

/// Table, line, column and code of each fault.
fn told(outcome: &ImportOutcome) -> Vec<(&'static str, u64, String, String)> {
    let column = |error: &schemas::directory::RowError| error.column.clone().unwrap_or_default();
    outcome.errors.iter().map(|error| (error.table.as_str(), error.line, column(error), error.code.clone())).collect()
}

#[tokio::test]
async fn a_region_is_entered_by_two_operators_and_again_without_a_change() {
    let hall = Hall::open().await;
    let region = region();
    let all = (u64::from(CENTRES + BODIES), u64::from(PEOPLE));
    let before = hall.counted().await;
    let dry = hall.tries(&region).await;
    assert_eq!((counts(&dry), dry.errors_in_all), ([(all.0, 0), (all.1, 0), (all.1, 0)], 0));
    // Heads are among the roles: one operator proposes, and nothing is entered.
    let proposed = hall.imports(&operator(1), &region).await.unwrap();
    assert!(proposed.proposal.is_some() && proposed.import.is_none());
    assert_eq!(code(hall.imports(&operator(1), &region).await), SameOperator);
    assert_eq!(hall.counted().await[1..], before[1..]);
    let entered = hall.imports(&operator(2), &region).await.unwrap();
    assert!(entered.import.is_some());
    let rows = i64::from(CENTRES + BODIES + 2 * PEOPLE);
    let after = hall.counted().await;
    // A dry run, a proposal, a row for each row, the import.
    assert_eq!(after[0] - before[0], 2 + rows + 1);
    assert_eq!(after[1..], [before[1] + all.0 as i64, before[2] + all.1 as i64, before[3] + all.1 as i64, 1]);
    let head = hall.found(35).await.unwrap();
    let roles = vec![("88000035".to_owned(), vec![Role::HeadOfAgency])];
    assert_eq!(hall.entrusted(head).await, Some((vec![], roles)));
    assert!(hall.town.registry().mailbox_exists(&"88000388.archive".parse().unwrap()).await.unwrap());
    // Once more: nothing changes, and it takes nobody's confirmation.
    let again = hall.imports(&operator(2), &region).await.unwrap();
    assert_eq!((counts(&again), again.proposal, again.import), ([(0, all.0), (0, all.1), (0, all.1)], None, None));
    assert_eq!(hall.counted().await[1..], after[1..]);
    // A row more, and only it is entered, without a second operator: it is no head.
    let more =
        ImportRequest { people: region.people.map(|it| it + &format!("Новий,{}\r\n", rnokpp(1000))), ..region };
    let more = hall.imports(&operator(1), &more).await.unwrap();
    assert_eq!((counts(&more)[1], more.import.is_some()), ((1, all.1), true));
}

#[tokio::test]
async fn each_fault_is_told_with_table_line_column_and_code_and_nothing_is_entered() {
    let hall = Hall::open().await;
    let known = hall.person(1).await;
    hall.given(known, Role::NodeOperator, None).await;
    let before = hall.counted().await;
    let participants =
        "edrpou,name\n8800000,Короткий\n88000001,\n88000002,Добрий\n88000002,Ще раз\n00000001,Інша назва\n";
    let people = format!(
        "name,rnokpp,unzr\nОдин,1234567890,\nДва,{},\nТри,{},\n,{},\nП'ять,,19900231-00001\n\"Шість\",,\n",
        rnokpp(2),
        rnokpp(2),
        rnokpp(3)
    );
    let roles = format!(
        "rnokpp,role,participant,valid_until\n{a},auditor,,\n{b},authorised_representative,88000002,2020-01-01\n{c},king,88000002,\n\
        {d},postal_operator,88000002,\n{b},postal_operator,,\n{b},applicant,,\n{b},postal_operator,99999999,\n\
        {b},postal_operator,88000002,tomorrow\n",
        a = rnokpp(1),
        b = rnokpp(2),
        c = rnokpp(2),
        d = rnokpp(77),
    );
    let request = ImportRequest {
        participants: Some(participants.to_owned()),
        people: Some(people),
        roles: Some(roles),
        dry_run: false,
    };
    let outcome = hall.tries(&request).await;
    let expected = [
        ("participants", 2, "edrpou", "import.value_wrong"),
        ("participants", 3, "name", "import.value_wrong"),
        ("participants", 5, "edrpou", "import.row_repeated"),
        ("participants", 6, "name", "import.differs"),
        ("people", 2, "rnokpp", "person.number_wrong"),
        ("people", 4, "rnokpp", "import.row_repeated"),
        ("people", 5, "name", "import.value_wrong"),
        ("people", 6, "unzr", "person.number_wrong"),
        ("people", 7, "rnokpp", "person.number_wrong"),
        ("roles", 2, "role", "role.incompatible"),
        ("roles", 3, "valid_from", "role.dates_wrong"),
        ("roles", 4, "role", "import.value_wrong"),
        ("roles", 5, "rnokpp", "import.person_unknown"),
        ("roles", 6, "participant", "role.scope_wrong"),
        ("roles", 7, "participant", "role.not_entrusted"),
        ("roles", 8, "participant", "role.unknown_participant"),
        ("roles", 9, "valid_until", "import.value_wrong"),
    ]
    .map(|(table, line, column, code)| (table, line, column.to_owned(), code.to_owned()));
    assert_eq!(told(&outcome), expected);
    assert_eq!(outcome.errors_in_all, expected.len() as u64);
    for error in &outcome.errors {
        assert!(error.title_uk.ends_with('.') && error.title.ends_with('.'));
        let detail = error.detail.as_deref().unwrap_or_default();
        assert!(!detail.contains("1234567890") && !detail.contains("tomorrow"), "{detail}");
    }
    assert_eq!(code(hall.imports(&operator(1), &request).await), ImportRefused);
    assert_eq!(hall.counted().await[1..], before[1..]);
}

#[tokio::test]
async fn a_table_that_is_none_says_where() {
    let hall = Hall::open().await;
    for (people, line, column, code) in [
        ("Особа,1234567890\n", 1, "#1", "import.columns"),
        ("name;rnokpp\nа;б\n", 1, "#1", "import.columns"),
        ("name,name,unzr\n", 1, "name", "import.columns"),
        ("name\nОсоба\n", 1, "rnokpp", "import.columns"),
        ("", 1, "", "import.table_wrong"),
        ("name,rnokpp\n\"Особа,1\n", 2, "", "import.table_wrong"),
        ("name,rnokpp\nОсоба\n", 2, "", "import.table_wrong"),
    ] {
        let outcome = hall.tries(&ImportRequest { people: Some(people.to_owned()), ..ImportRequest::default() }).await;
        let first = told(&outcome).into_iter().next().unwrap();
        assert_eq!(first, ("people", line, column.to_owned(), code.to_owned()), "{people:?}");
        assert!(!format!("{:?}", outcome.errors).contains("Особа"));
    }
}

#[tokio::test]
async fn what_is_there_otherwise_is_told_and_never_changed() {
    let hall = Hall::open().await;
    let person = hall.person(1).await;
    hall.given(person, Role::PostalOperator, Some("00000001")).await;
    let (number, other) = (rnokpp(1), rnokpp(2));
    let roles =
        |row: &str| Some(format!("rnokpp,role,participant,valid_from,valid_until\n{number},postal_operator,{row}\n"));
    let cases = [
        (table(&format!("Інша,{number},\n")), None, vec![("name", "import.differs")]),
        (table(&format!("Особа,{number},\n")), roles("00000001,,"), vec![]),
        (None, roles("00000001,,2027-01-01"), vec![("valid_until", "import.differs")]),
        (None, roles("00000001,2027-01-01T08:00:00+02:00,"), vec![("valid_from", "import.differs")]),
        (None, roles("00000002,2027-01-01,2027-01-01"), vec![("valid_from", "role.dates_wrong")]),
        (
            table(&format!("Нова,{other},19900101-00001\nЩе,{number},19900101-00001\n")),
            None,
            vec![("unzr", "import.row_repeated")],
        ),
    ];
    for (people, roles, expected) in cases {
        let outcome = hall.tries(&ImportRequest { people, roles, ..ImportRequest::default() }).await;
        let found: Vec<_> = outcome.errors.iter().map(|it| (it.column.as_deref().unwrap(), it.code.as_str())).collect();
        assert_eq!(found, expected);
    }
}

#[tokio::test]
async fn an_import_is_undone_as_far_as_nothing_rests_on_it() {
    let hall = Hall::open().await;
    let request = ImportRequest {
        participants: Some("edrpou,name\n88000001,Один\n88000002,Два\n".to_owned()),
        people: Some(format!("name,rnokpp\nПерша,{}\nДруга,{}\n", rnokpp(1), rnokpp(2))),
        roles: Some(format!(
            "rnokpp,role,participant\n{a},postal_operator,88000001\n{b},authorised_representative,88000002\n",
            a = rnokpp(1),
            b = rnokpp(2)
        )),
        dry_run: false,
    };
    let import = hall.imports(&operator(1), &request).await.unwrap().import.unwrap();
    let (first, second) = (hall.found(1).await.unwrap(), hall.found(2).await.unwrap());
    // Since then the second person has a role from elsewhere, within the second participant.
    hall.given(second, Role::PostalOperator, Some("88000002")).await;
    let undone = hall.undoes(import).await.unwrap();
    assert_eq!((undone.roles_revoked, undone.people_removed, undone.participants_suspended), (2, 1, 1));
    assert_eq!((undone.people_kept, undone.participants_kept), (vec![second], vec![edrpou("88000002")]));
    assert_eq!((hall.found(1).await, hall.entrusted(first).await), (None, None));
    let left = vec![("88000002".to_owned(), vec![Role::PostalOperator])];
    assert_eq!(hall.entrusted(second).await, Some((vec![], left)));
    assert_eq!(hall.suspended().await, ["88000001"]);
    assert_eq!(code(hall.undoes(import).await), ImportUndoneBefore);
    assert_eq!(code(hall.undoes(ImportId::from_parts(1, [1; 10])).await), NotFound);
    let audited = hall.town.audited().await;
    assert!(audited.last().unwrap().starts_with("directory.undo_import operator:0303030303030303"), "{audited:?}");
    // What was undone is entered again: the person as who they were, with the role that they had.
    let again = hall.imports(&operator(1), &request).await.unwrap();
    // The participant can be sent to again, and that is a deed of its own.
    assert_eq!(counts(&again), [(1, 1), (1, 1), (2, 0)]);
    assert_eq!(hall.suspended().await, [""; 0]);
    let audited = hall.town.audited().await;
    assert!(audited.iter().any(|it| it.starts_with("recipient.resume") && it.contains("88000001")), "{audited:?}");
    assert_eq!(hall.found(1).await, Some(first));
    assert_eq!(hall.entrusted(first).await.unwrap().1, [("88000001".to_owned(), vec![Role::PostalOperator])]);
}

#[tokio::test]
async fn too_many_faults_are_counted_and_the_first_told() {
    let hall = Hall::open().await;
    let rows: String = (0..600).map(|_| "Особа,1,\n").collect();
    let outcome = hall.tries(&ImportRequest { people: table(&rows), ..ImportRequest::default() }).await;
    assert_eq!((outcome.errors.len(), outcome.errors_in_all), (schemas::limits::IMPORT_ERRORS, 600));
    assert_eq!(outcome.errors[0].code, ProblemCode::PersonNumberWrong.as_str());
}

#[tokio::test]
async fn what_an_operator_suspended_no_import_lifts_and_what_an_undoing_did_the_next_one_does() {
    let hall = Hall::open().await;
    let participants = Some("edrpou,name\n88000001,Один\n88000002,Два\n88000003,Три\n".to_owned());
    let request = ImportRequest { participants, ..ImportRequest::default() };
    let import = hall.imports(&operator(1), &request).await.unwrap().import.unwrap();
    // One is suspended before the undoing, and one anew after it.
    hall.town.suspend("88000001", true).await.unwrap();
    hall.town.clock.advance(time::Duration::SECOND);
    let undone = hall.undoes(import).await.unwrap();
    assert_eq!((undone.participants_suspended, undone.participants_kept.len()), (2, 0));
    hall.town.clock.advance(time::Duration::SECOND);
    hall.town.suspend("88000002", true).await.unwrap();
    let again = hall.imports(&operator(1), &request).await.unwrap();
    assert_eq!(counts(&again)[0], (1, 2));
    assert_eq!(hall.suspended().await, ["88000001", "88000002"]);
    // What was lifted can be undone again, as often as need be.
    hall.undoes(again.import.unwrap()).await.unwrap();
    assert_eq!(hall.suspended().await, ["88000001", "88000002", "88000003"]);
    let third = hall.imports(&operator(1), &request).await.unwrap();
    assert_eq!((counts(&third)[0], third.import.is_some()), ((1, 2), true));
    assert_eq!(hall.suspended().await, ["88000001", "88000002"]);
    let nothing = hall.imports(&operator(1), &request).await.unwrap();
    assert_eq!((counts(&nothing)[0], nothing.import), ((0, 3), None));
}
