//! What must be refused around the directory of people: who may not keep it, who cannot be entered, what cannot be entrusted.

use schemas::ProblemCode;
use schemas::access::Role;
use schemas::directory::{ImportOutcome, ImportRequest, PersonEntry, PersonRegistration, RoleGrant};
use serde_json::{Value, json};
use tests::harness::people::fresh_number;
use tests::harness::{Answer, Region, Request};

use crate::case::{Case, case, check, play};

const NOBODY: &str = "01938f6e-3c00-7abc-8def-0123456789ab";

async fn ask(region: &Region, request: &Request) -> Answer {
    region.wire(Some(region.a.login())).asks(request).await
}

async fn operate(region: &Region, request: &Request) -> Answer {
    region.wire(Some(region.ground.site.operator())).asks(request).await
}

fn post(target: &str, body: &Value) -> Request {
    Request::post(target).body("application/json", body.to_string())
}

fn registration(rnokpp: Option<String>, unzr: Option<&str>) -> PersonRegistration {
    PersonRegistration { name: "Особа".to_owned(), rnokpp, unzr: unzr.map(str::to_owned) }
}

async fn registered(region: &Region) -> PersonEntry {
    let registration = registration(Some(fresh_number()), None);
    region.operator.register_person(&registration).await.expect("a person")
}

async fn entered(region: &Region, registration: &PersonRegistration) -> Answer {
    operate(region, &post("/v1/people", &serde_json::to_value(registration).expect("JSON"))).await
}

fn within(region: &Region, role: Role) -> RoleGrant {
    RoleGrant { role, participant: Some(region.a.edrpou()), valid_from: None, valid_until: None }
}

fn granting(person: &PersonEntry, grant: &RoleGrant) -> Request {
    post(&format!("/v1/people/{}/roles", person.id), &serde_json::to_value(grant).expect("JSON"))
}

/// A role that one operator gives.
async fn representative(region: &Region) -> PersonEntry {
    let person = registered(region).await;
    let grant = within(region, Role::AuthorisedRepresentative);
    region.operator.grant_role(person.id, &grant).await.expect("a role");
    person
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = strangers();
    cases.extend(people());
    cases.extend(roles());
    cases.extend(imports());
    cases
}

fn strangers() -> Vec<Case> {
    vec![
        case!("a participant's system reads who is in the directory", 403 ActionForbidden, |r| {
            ask(r, &Request::get("/v1/people")).await
        }),
        case!("a participant's system reads its own people", 403 ActionForbidden, |r| {
            ask(r, &Request::get(&format!("/v1/participants/{}/people", r.a.edrpou()))).await
        }),
        case!("a participant's system enters a person", 403 ActionForbidden, |r| {
            ask(r, &post("/v1/people", &json!({ "name": "Особа", "rnokpp": fresh_number() }))).await
        }),
        case!("a participant's system removes a person", 403 ActionForbidden, |r| {
            let person = registered(r).await;
            ask(r, &Request::new("DELETE", &format!("/v1/people/{}", person.id))).await
        }),
        case!("a participant's system entrusts a person", 403 ActionForbidden, |r| {
            ask(r, &granting(&registered(r).await, &within(r, Role::AuthorisedRepresentative))).await
        }),
        case!("a participant's system takes a role back, of which it may not know", 404 NotFound, |r| {
            let person = representative(r).await;
            let entry = r.operator.people_of(r.a.edrpou(), None).await.expect("people");
            let entry = entry.people.into_iter().find(|entry| entry.id == person.id).expect("the person");
            ask(r, &Request::new("DELETE", &format!("/v1/people/{}/roles/{}", person.id, entry.roles[0].id))).await
        }),
        case!("a participant's system imports", 403 ActionForbidden, |r| {
            ask(r, &post("/v1/directory/import", &json!({ "dry_run": true }))).await
        }),
        case!("a participant's system undoes an import", 403 ActionForbidden, |r| {
            ask(r, &Request::post(&format!("/v1/directory/import/{NOBODY}/undo"))).await
        }),
    ]
}

fn people() -> Vec<Case> {
    vec![
        case!("a number with a wrong control digit", 422 PersonNumberWrong, |r| {
            entered(r, &registration(Some("1234567890".to_owned()), None)).await
        }),
        case!("a day that is not in the calendar", 422 PersonNumberWrong, |r| {
            entered(r, &registration(None, Some("19900231-00001"))).await
        }),
        case!("a person without a number", 422 PersonNumberWrong, |r| entered(r, &registration(None, None)).await),
        case!("a person who is there", 409 PersonRegistered, |r| {
            let known = registration(Some(fresh_number()), None);
            r.operator.register_person(&known).await.expect("a person");
            entered(r, &known).await
        }),
        case!("the numbers of two people", 422 PersonNumbersOfTwo, |r| {
            let (number, unzr) = (Some(fresh_number()), Some("19900101-00001"));
            for known in [registration(number.clone(), None), registration(None, unzr)] {
                r.operator.register_person(&known).await.expect("a person");
            }
            entered(r, &registration(number, unzr)).await
        }),
        case!("a person without a name", 400 MalformedJson, |r| {
            entered(r, &PersonRegistration { name: String::new(), ..registration(Some(fresh_number()), None) }).await
        }),
        case!("a person with a field that there is not", 400 MalformedJson, |r| {
            operate(r, &post("/v1/people", &json!({ "name": "Особа", "rnokpp": fresh_number(), "role": "auditor" }))).await
        }),
        case!("the removal of nobody", 404 NotFound, |r| {
            operate(r, &Request::new("DELETE", &format!("/v1/people/{NOBODY}"))).await
        }),
        case!("a thousand people", 400 MalformedQuery, |r| operate(r, &Request::get("/v1/people?limit=1000")).await),
    ]
}

fn roles() -> Vec<Case> {
    vec![
        case!("a role for nobody", 404 NotFound, |r| {
            let grant = serde_json::to_value(within(r, Role::PostalOperator)).expect("JSON");
            operate(r, &post(&format!("/v1/people/{NOBODY}/roles"), &grant)).await
        }),
        case!("a role that is none", 400 MalformedJson, |r| {
            let target = format!("/v1/people/{}/roles", registered(r).await.id);
            operate(r, &post(&target, &json!({ "role": "king" }))).await
        }),
        case!("an auditor within an agency", 422 RoleScopeWrong, |r| {
            operate(r, &granting(&registered(r).await, &within(r, Role::Auditor))).await
        }),
        case!("an applicant", 422 RoleNotEntrusted, |r| {
            let grant = RoleGrant { participant: None, ..within(r, Role::Applicant) };
            operate(r, &granting(&registered(r).await, &grant)).await
        }),
        case!("a role that is over before it begins", 422 RoleDatesWrong, |r| {
            let now = r.ground.clock.now();
            let (valid_from, valid_until) = (Some(now), Some(now - time::Duration::hours(1)));
            let grant = RoleGrant { valid_from, valid_until, ..within(r, Role::PostalOperator) };
            operate(r, &granting(&registered(r).await, &grant)).await
        }),
        case!("a role in an agency that is not there", 422 RoleParticipantUnknown, |r| {
            let participant = Some("99999999".parse().expect("a code"));
            let grant = RoleGrant { participant, ..within(r, Role::PostalOperator) };
            operate(r, &granting(&registered(r).await, &grant)).await
        }),
        case!("the same role twice", 409 RoleHeld, |r| {
            operate(r, &granting(&representative(r).await, &within(r, Role::AuthorisedRepresentative))).await
        }),
        case!("an official who would run the node", 409 RoleIncompatible, |r| {
            let grant = RoleGrant { participant: None, ..within(r, Role::NodeOperator) };
            operate(r, &granting(&representative(r).await, &grant)).await
        }),
        case!("one operator twice for a head", 409 SameOperator, |r| {
            let (person, grant) = (registered(r).await, within(r, Role::HeadOfAgency));
            assert!(r.operator.grant_role(person.id, &grant).await.expect("a proposal").proposal.is_some());
            operate(r, &granting(&person, &grant)).await
        }),
        case!("a role that nobody has is taken back", 404 NotFound, |r| {
            let person = registered(r).await;
            operate(r, &Request::new("DELETE", &format!("/v1/people/{}/roles/{NOBODY}", person.id))).await
        }),
    ]
}

/// An import that enters one person.
async fn imported(region: &Region) -> ImportOutcome {
    let people = Some(format!("name,rnokpp\nОсоба,{}\n", fresh_number()));
    let request = ImportRequest { people, ..ImportRequest::default() };
    region.operator.import_directory(&request).await.expect("an import")
}

fn imports() -> Vec<Case> {
    vec![
        case!("an import with a wrong row", 422 ImportRefused, |r| {
            operate(r, &post("/v1/directory/import", &json!({ "people": "name,rnokpp\nОсоба,1234567890\n" }))).await
        }),
        case!("an import that is larger than any", 413 TooLarge, |r| {
            let rows = "Особа,1\n".repeat(schemas::limits::IMPORT_BYTES / 8);
            operate(r, &post("/v1/directory/import", &json!({ "people": rows, "dry_run": true }))).await
        }),
        case!("an import of a table that there is not", 400 MalformedJson, |r| {
            operate(r, &post("/v1/directory/import", &json!({ "kings": "name\n" }))).await
        }),
        case!("one operator twice for an import with a head", 409 SameOperator, |r| {
            let (number, edrpou) = (fresh_number(), r.a.edrpou());
            let tables = json!({
                "people": format!("name,rnokpp\nОсоба,{number}\n"),
                "roles": format!("role,rnokpp,participant\nhead_of_agency,{number},{edrpou}\n"),
            });
            assert_eq!(operate(r, &post("/v1/directory/import", &tables)).await.status, 202);
            operate(r, &post("/v1/directory/import", &tables)).await
        }),
        case!("an import that is undone twice", 409 ImportUndoneBefore, |r| {
            let import = imported(r).await.import.expect("an import");
            r.operator.undo_import(import).await.expect("undone");
            operate(r, &Request::post(&format!("/v1/directory/import/{import}/undo"))).await
        }),
        case!("an import that never was is undone", 404 NotFound, |r| {
            operate(r, &Request::post(&format!("/v1/directory/import/{NOBODY}/undo"))).await
        }),
    ]
}

/// On a node whose operator has given it no identity key.
pub(crate) fn without_key() -> Case {
    case!("a person at a node that keeps none", 501 PeopleNotKept, |r| {
        entered(r, &registration(Some(fresh_number()), None)).await
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_in_the_directory_is_refused() {
    let region = Region::start().await;
    play(&region, &cases()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_an_identity_key_keeps_nobody() {
    let region = Region::start_with(|ground| ground.config.access.identity_key = None).await;
    let case = without_key();
    check(&case, &(case.deed)(&region).await);
    assert_eq!(region.book().await.refusals(ProblemCode::PeopleNotKept), 1);
}
