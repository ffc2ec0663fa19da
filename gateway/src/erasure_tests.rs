//! Erasure of what the log holds about a person, by two security officers at the portal.

use audit::{Action, EventDraft, Ledger, Outcome};
use schemas::access::Role;
use schemas::audit::{AuditHit, AuditPage};
use schemas::erasure::{ErasureOutcome, ErasureProposals};
use schemas::{CaseId, HoldId};
use storage::Space;
use storage::ids::FreshId;

use super::*;
use crate::payload_key::payload_keys;

/// Fictitious numbers with their control digits.
const FIRST: &str = "0000000023";
const SECOND: &str = "0000000017";
const AUDITOR: &str = "0000000046";
const CITIZEN: &str = "0000000030";

const GROUND: &str = "Закон 2297-VI, ст. 15; рішення від 02.11.2026";

/// A node that seals, two officers, and a citizen of whom the log knows something.
struct Stage {
    region: Region,
    key: std::path::PathBuf,
    officers: [PersonId; 2],
    desks: [Page; 2],
    citizen: PersonId,
    _folder: tempfile::TempDir,
}

impl Stage {
    async fn set() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("payload.key");
        std::fs::write(&key, "5a".repeat(32)).unwrap();
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        let region = Region::begin(None, clock, |config| config.log.payload_key = Some(key.clone())).await;
        let officers =
            [region.entrusts(FIRST, Role::SecurityOfficer).await, region.entrusts(SECOND, Role::SecurityOfficer).await];
        let desks =
            [region.session_of(Portal::Internal, FIRST).await, region.session_of(Portal::Internal, SECOND).await];
        let cabinet = region.session_of(Portal::External, CITIZEN).await;
        let view: SessionView = region.asks(Portal::External, &cabinet, "GET", "/v1/session", None).await.json();
        let applied = json!({ "centre": region.site.agencies()[0].edrpou, "service": "subsidy" });
        let applied = region.asks(Portal::External, &cabinet, "POST", "/v1/applications", Some(&applied)).await;
        assert_eq!(applied.status, 201, "{}", String::from_utf8_lossy(&applied.body));
        region.settled().await;
        Self { region, key, officers, desks, citizen: view.person, _folder: folder }
    }

    async fn asks(&self, officer: usize, person: PersonId, ground: &str) -> Answered {
        let request = json!({ "person": person, "ground": ground });
        let desk = &self.desks[officer];
        self.region.asks(Portal::Internal, desk, "POST", "/v1/audit/erasures", Some(&request)).await
    }

    async fn signs(&self, officer: usize) {
        let rnokpp = [FIRST, SECOND][officer];
        self.region.confirms(&self.desks[officer], rnokpp, Deed::EraseDetails).await;
    }

    async fn refused(&self, officer: usize, person: PersonId, ground: &str) -> (u16, String) {
        let answer = self.asks(officer, person, ground).await;
        (answer.status, answer.code())
    }

    async fn proposed(&self, desk: &Page) -> ErasureProposals {
        self.region.asks(Portal::Internal, desk, "GET", "/v1/audit/erasures", None).await.json()
    }

    async fn found(&self, filter: Value) -> Vec<AuditHit> {
        self.region.settled().await;
        let search = json!({ "filter": filter });
        let answer =
            self.region.asks(Portal::Internal, &self.desks[0], "POST", "/v1/audit/searches", Some(&search)).await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        answer.json::<AuditPage>().hits
    }

    async fn changes(&self, sql: &'static str) -> u64 {
        let (writer, _) = storage::store::open(&self.region.database.store()).unwrap();
        writer.run_tx::<_, storage::StoreError, _>("test", move |tx| tx.execute(sql, &[])).await.unwrap()
    }

    /// The citizen is on record in a case that a court wants kept.
    async fn holds_a_case(&self) {
        let (writer, reader) = storage::store::open(&self.region.database.store()).unwrap();
        let now = self.region.clock.now();
        let (case, hold) = (CaseId::fresh(now), HoldId::fresh(now));
        let held = writer.run_tx::<_, storage::StoreError, _>("test", move |tx| {
            let of = "-- test\nINSERT INTO exchange_case (id, opener, counterpart, opened_at) VALUES ($1, 'a', 'b', 0)";
            tx.execute(of, &[case.as_bytes().into()])?;
            let sql = "-- test\nINSERT INTO legal_hold (id, case_id, reason, placed_by, placed_at) VALUES ($1, $2, 'court', 'x', 0)";
            tx.execute(sql, &[hold.as_bytes().into(), case.as_bytes().into()]).map(drop)
        });
        held.await.unwrap();
        let keys = payload_keys(Some(&self.key)).unwrap();
        let (clock, name) = (self.region.clock.clone(), &self.region.site.config().node.name);
        let ledger = Ledger::sealing(writer, reader, clock, name, Space::unwatched(), keys);
        let draft = EventDraft {
            action: Action::ReadCase,
            actor: format!("person:{}", self.citizen),
            object: Some(format!("case:{case}")),
            outcome: Outcome::Done,
            details: json!({ "read": true }),
        };
        ledger.record(draft).await.unwrap();
        self.region.settled().await;
    }
}

fn details(hit: &AuditHit) -> Value {
    serde_json::from_str(&hit.opened.as_ref().expect("details that are not erased").details).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_officers_have_a_persons_details_erased_and_the_log_says_who_and_why() {
    let stage = Stage::set().await;
    let Stage { officers, citizen, desks, region, .. } = &stage;
    assert_eq!(stage.refused(0, *citizen, GROUND).await, (403, P::StepUpRequired.to_string()));
    stage.signs(0).await;
    let proposed = stage.asks(0, *citizen, GROUND).await;
    assert_eq!(proposed.status, 202, "{}", String::from_utf8_lossy(&proposed.body));
    let ErasureOutcome { proposal, erased } = proposed.json();
    let proposal = proposal.unwrap();
    assert_eq!((proposal.person, proposal.ground.as_str(), erased), (*citizen, GROUND, None));
    assert_eq!(proposal.proposed_by, format!("person:{}", officers[0]));
    assert_eq!(stage.refused(0, *citizen, GROUND).await, (409, P::SameOperator.to_string()));

    // The auditor sees what is to go, and has no word in it; neither has who keeps the node.
    region.entrusts(AUDITOR, Role::Auditor).await;
    let books = region.session_of(Portal::Internal, AUDITOR).await;
    assert_eq!(stage.proposed(&books).await.proposals, std::slice::from_ref(&proposal));
    let request = json!({ "person": citizen, "ground": GROUND });
    let auditor = region.asks(Portal::Internal, &books, "POST", "/v1/audit/erasures", Some(&request)).await;
    assert_eq!((auditor.status, auditor.code()), (403, P::ActionForbidden.to_string()));
    let base = format!("https://localhost:{}", region.node.public_address().port());
    let operator = region.site.client(&base, region.site.operator()).unwrap();
    let forbidden = (403, Some(P::ActionForbidden.to_string()));
    assert_eq!(raw(&operator, ::http::Method::GET, "/v1/audit/erasures").await, forbidden);

    // Another ground is another erasure: it confirms nothing.
    let deed = json!({ "actor": format!("person:{citizen}"), "action": "application.apply" });
    let by_details = json!({ "participant": region.site.agencies()[0].edrpou, "action": "application.apply" });
    for filter in [&deed, &by_details] {
        let hits = stage.found(filter.clone()).await;
        assert!(hits.len() == 1 && !hits[0].erased && hits[0].opened.is_some(), "{filter}");
    }
    stage.signs(1).await;
    region.settled().await;
    assert_eq!(stage.asks(1, *citizen, "Закон 2297-VI, ст. 8").await.status, 202);
    assert_eq!(stage.proposed(&desks[1]).await.proposals.len(), 2);
    let confirmed = stage.asks(1, *citizen, GROUND).await;
    assert_eq!(confirmed.status, 200, "{}", String::from_utf8_lossy(&confirmed.body));
    let ErasureOutcome { proposal: none, erased } = confirmed.json();
    let erased = erased.unwrap();
    assert!(none.is_none() && erased.entries >= 2 && erased.keys >= 1, "{erased:?}");
    assert_eq!(stage.proposed(&desks[0]).await.proposals.len(), 1, "the other ground's");

    let hits = stage.found(deed).await;
    assert!(hits.len() == 1 && hits[0].erased && hits[0].opened.is_none(), "the entry stays, its details are gone");
    assert_eq!(stage.found(by_details).await, [], "nor is it found by what only they said");
    // Both words are on record, and were not erased with it.
    let both = stage.found(json!({ "correlation": proposal.id })).await;
    assert_eq!(both.len(), 2);
    assert_eq!(details(&both[0])["basis"], GROUND);
    let done = details(&both[1]);
    assert_eq!((&done["basis"], &done["proposed_by"]), (&json!(GROUND), &json!(format!("person:{}", officers[0]))));
    assert_eq!(both[1].event, erased.event);
    let entry = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, &both[1].entry).unwrap();
    let entry: Value = serde_json::from_slice(&entry).unwrap();
    assert_eq!((&entry["action"], &entry["actor"]), (&json!("audit.erase"), &json!(format!("person:{}", officers[1]))));
    assert_eq!(entry["object"], json!(format!("person:{citizen}")));
    let journal = std::fs::read_to_string(stage.key.with_extension("key.erased")).unwrap();
    assert!(journal.lines().count() > 1, "{journal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_what_is_ones_own_and_what_is_late_is_not_erased() {
    let stage = Stage::set().await;
    let Stage { officers, citizen, .. } = &stage;
    stage.signs(0).await;
    stage.signs(1).await;
    for (person, ground, refusal) in [
        (officers[0], GROUND, (403, P::ErasureOwn)),
        (PersonId::from_parts(1, [9; 10]), GROUND, (409, P::ErasureNothing)),
        (*citizen, "  a ", (422, P::ErasureGroundWrong)),
        (*citizen, "line\nline", (422, P::ErasureGroundWrong)),
        (*citizen, &"x".repeat(1001), (422, P::ErasureGroundWrong)),
    ] {
        assert_eq!(stage.refused(0, person, ground).await, (refusal.0, refusal.1.to_string()), "{ground}");
    }
    assert_eq!(stage.asks(0, *citizen, GROUND).await.status, 202);

    // A hold that comes between the two words wins, and none is proposed under one.
    stage.holds_a_case().await;
    let held = (409, P::ErasureHeld.to_string());
    assert_eq!(stage.refused(1, *citizen, GROUND).await, held);
    assert_eq!(stage.refused(1, *citizen, "another ground").await, held);
    let deed = json!({ "actor": format!("person:{citizen}"), "action": "application.apply" });
    let hits = stage.found(deed).await;
    assert!(hits.len() == 1 && !hits[0].erased, "nothing was erased");
    let lift = "-- test\nUPDATE legal_hold SET lifted_at = 1, lifted_by = 'x', lift_reason = 'over'";
    assert_eq!(stage.changes(lift).await, 1);

    // After its day a proposal is none: the second officer's word is a first one.
    assert_eq!(stage.changes("-- test\nUPDATE proposal SET until = at").await, 1);
    assert_eq!(stage.proposed(&stage.desks[1]).await.proposals, []);
    assert_eq!(stage.asks(1, *citizen, GROUND).await.status, 202);
    assert_eq!(stage.asks(0, *citizen, GROUND).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_seals_nothing_says_so() {
    let region = Region::start_among_registered().await;
    region.entrusts(FIRST, Role::SecurityOfficer).await;
    let desk = region.session_of(Portal::Internal, FIRST).await;
    region.confirms(&desk, FIRST, Deed::EraseDetails).await;
    let request = json!({ "person": PersonId::from_parts(1, [9; 10]), "ground": GROUND });
    let answer = region.asks(Portal::Internal, &desk, "POST", "/v1/audit/erasures", Some(&request)).await;
    assert_eq!((answer.status, answer.code()), (501, P::ErasureNotSealed.to_string()));
}
