//! Break-glass access through the doors of a node, from a citizen's first login to the review.

use schemas::access::Role;
use schemas::application::{Application, LookPage, StoredCopy};
use schemas::break_glass::{BreakGlass, BreakGlassPage, OpenedCopies};
use schemas::directory::{PersonRegistration, RoleGrant};

use super::*;

/// Fictitious numbers with their control digits.
const HEAD_OF_CENTRE: &str = "0000000017";
const OFFICER: &str = "0000000023";
/// Of nobody whom an operator entered.
const CITIZEN: &str = "0000000009";

impl Region {
    /// A person with one role, by the two operators whom it takes.
    pub(super) async fn entrusts(&self, rnokpp: &str, role: Role) -> PersonId {
        let base = format!("https://localhost:{}", self.node.public_address().port());
        let operators =
            [self.site.operator(), self.site.second_operator()].map(|it| self.site.client(&base, it).unwrap());
        let registration =
            PersonRegistration { name: "Особа".to_owned(), rnokpp: Some(rnokpp.to_owned()), unzr: None };
        let person = operators[0].register_person(&registration).await.unwrap().id;
        let participant = (!role.is_of_node()).then_some(self.site.agencies()[0].edrpou);
        let grant = RoleGrant { role, participant, valid_from: None, valid_until: None };
        for operator in &operators {
            operator.grant_role(person, &grant).await.unwrap();
        }
        person
    }

    pub(super) async fn session_of(&self, portal: Portal, rnokpp: &str) -> Page {
        let page = Page::of(if portal == Portal::Internal { OFFICE } else { CABINET });
        let answer = self.logs_in(portal, &page, &self.official(rnokpp)).await;
        assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
        let view: SessionView = answer.json();
        Page { cookie: Some(answer.cookie()), csrf: Some(view.csrf_token), ..page }
    }

    pub(super) async fn confirms(&self, page: &Page, rnokpp: &str, deed: Deed) {
        let confirmation = self.signs(Portal::Internal, page, Some(deed), &self.official(rnokpp)).await;
        let answer = self.asks(Portal::Internal, page, "POST", "/v1/session/step-up", Some(&confirmation)).await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_breaks_the_glass_the_citizen_sees_it_and_a_security_officer_reviews_it() {
    let region = Region::start_among_registered().await;
    region.entrusts(HEAD_OF_CENTRE, Role::HeadOfCentre).await;
    region.entrusts(OFFICER, Role::SecurityOfficer).await;
    let centre = region.site.agencies()[0].edrpou;

    // A citizen of whom the node knew nothing keeps a copy, applies, attaches it, and thinks better of it.
    let cabinet = region.session_of(Portal::External, CITIZEN).await;
    let citizen = async |method: &str, target: &str, body: Option<&Value>| {
        region.asks(Portal::External, &cabinet, method, target, body).await
    };
    let sealed = "content-type: application/octet-stream\r\ncontent-length: 6\r\n\r\nsealed";
    let store = cabinet.request("POST", "/v1/copies?kind=passport", None).replace("content-length: 0\r\n\r\n", sealed);
    let stored: StoredCopy = region.sends(region.address(Portal::External), &store).await.json();
    let applied = json!({ "centre": centre, "service": "subsidy" });
    let applied: Application = citizen("POST", "/v1/applications", Some(&applied)).await.json();
    let application = format!("/v1/applications/{}", applied.application_id);
    assert_eq!(citizen("PUT", &format!("{application}/copies/{}", stored.copy_id), None).await.status, 200);
    assert_eq!(citizen("POST", &format!("{application}/withdraw"), None).await.status, 200);

    let office = region.session_of(Portal::Internal, HEAD_OF_CENTRE).await;
    let head = async |method: &str, target: &str, body: Option<&Value>| {
        region.asks(Portal::Internal, &office, method, target, body).await
    };
    let opens = json!({ "kind": "application", "application": applied.application_id });
    let request = json!({
        "opens": opens, "ground": "legal_duty", "reason": "The court demands the papers in case 757/1/26.", "minutes": 15,
    });
    let unsigned = head("POST", "/v1/break-glass", Some(&request)).await;
    assert_eq!((unsigned.status, unsigned.code()), (403, P::StepUpRequired.to_string()));
    region.confirms(&office, HEAD_OF_CENTRE, Deed::OpenBreakGlass).await;
    let short = json!({ "opens": opens, "ground": "legal_duty", "reason": "because" });
    let short = head("POST", "/v1/break-glass", Some(&short)).await;
    assert_eq!((short.status, short.code()), (422, P::BreakGlassReason.to_string()));
    let opened = head("POST", "/v1/break-glass", Some(&request)).await;
    assert_eq!(opened.status, 201, "{}", String::from_utf8_lossy(&opened.body));
    let access: BreakGlass = opened.json();
    assert_eq!((access.subject, access.centre), (applied.applicant, Some(centre)));
    let again = head("POST", "/v1/break-glass", Some(&request)).await;
    assert_eq!((again.status, again.code()), (409, P::BreakGlassOpen.to_string()));

    let target = format!("/v1/break-glass/{}", access.break_glass_id);
    let copies: OpenedCopies = head("GET", &format!("{target}/copies"), None).await.json();
    assert_eq!(copies.copies, std::slice::from_ref(&stored));
    let look = format!("{target}/copies/{}", stored.copy_id);
    assert_eq!(head("HEAD", &look, None).await.status, 405);
    assert_eq!(head("GET", &look, None).await.body, b"sealed");
    let looks: LookPage = citizen("GET", "/v1/looks", None).await.json();
    assert_eq!(looks.looks.len(), 3, "it was opened, its copies were listed, one was looked at");
    assert!(looks.looks.iter().all(|look| look.break_glass == Some(access.break_glass_id)));

    let desk = region.session_of(Portal::Internal, OFFICER).await;
    let officer = async |method: &str, target: &str, body: Option<&Value>| {
        region.asks(Portal::Internal, &desk, method, target, body).await
    };
    let waiting: BreakGlassPage = officer("GET", "/v1/break-glass", None).await.json();
    assert_eq!(
        waiting.accesses.iter().map(|it| (it.break_glass_id, it.looks)).collect::<Vec<_>>(),
        [(access.break_glass_id, 2)]
    );
    let forbidden = officer("GET", &look, None).await;
    assert_eq!((forbidden.status, forbidden.code()), (403, P::ActionForbidden.to_string()), "it is another's");
    let review = json!({ "finding": "justified", "note": "The demand of the court is on file." });
    region.confirms(&desk, OFFICER, Deed::ReviewBreakGlass).await;
    let early = officer("POST", &format!("{target}/review"), Some(&review)).await;
    assert_eq!((early.status, early.code()), (409, P::BreakGlassNotOver.to_string()));
    assert_eq!(officer("POST", &format!("{target}/end"), None).await.status, 200);
    let over = head("GET", &look, None).await;
    assert_eq!((over.status, over.code()), (409, P::BreakGlassOver.to_string()));
    let reviewed = officer("POST", &format!("{target}/review"), Some(&review)).await;
    assert_eq!(reviewed.status, 200, "{}", String::from_utf8_lossy(&reviewed.body));
    let waiting: BreakGlassPage = officer("GET", "/v1/break-glass", None).await.json();
    assert_eq!(waiting.accesses, []);
    let told: BreakGlassPage = head("GET", "/v1/break-glass?all=true", None).await.json();
    assert!(told.accesses[0].review.is_some());

    // All of it is found by what it was for.
    region.settled().await;
    for purpose in ["legal_duty", "break-glass.legal-duty"] {
        let hits = region.searches(&desk, &json!({ "filter": { "purpose": purpose } })).await.hits;
        let entry = |hit: &schemas::audit::AuditHit| {
            let entry = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, &hit.entry).unwrap();
            serde_json::from_slice::<Value>(&entry).unwrap()["action"].as_str().unwrap().to_owned()
        };
        let found: Vec<_> = hits.iter().map(entry).collect();
        assert_eq!(found, ["break_glass.open", "break_glass.copies", "break_glass.look"], "{purpose}");
    }

    // Who keeps the node, and systems, have no part in it.
    let base = format!("https://localhost:{}", region.node.public_address().port());
    for identity in [region.site.operator(), &region.site.agencies()[0].login] {
        let client = region.site.client(&base, identity).unwrap();
        let forbidden = (403, Some(P::ActionForbidden.to_string()));
        assert_eq!(raw(&client, ::http::Method::GET, "/v1/break-glass").await, forbidden);
        assert_eq!(raw(&client, ::http::Method::GET, &look).await, (404, Some(P::NotFound.to_string())));
    }
}
