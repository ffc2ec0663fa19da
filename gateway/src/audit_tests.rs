//! The log as a security officer asks it through the portal, and from the command line; and who may not.

use std::path::Path;

use crypto::merkle::NoteVerifier;
use schemas::access::Role;
use schemas::application::StoredCopy;
use schemas::audit::{Alert, AlertPage, AuditPage, KeptAlert};

use super::*;
use crate::commands::run_with;
use crate::commands::terminal::{Language, Terminal};

/// Fictitious numbers with their control digits.
const OFFICER: &str = "0000000023";
const AUDITOR: &str = "0000000017";
const CITIZEN: &str = "0000000030";

impl Region {
    /// What happened so far is numbered, published and indexed.
    pub(super) async fn settled(&self) {
        let (_, reader) = storage::store::open(&self.database.store()).unwrap();
        for _ in 0..400 {
            let sql = "SELECT (SELECT count(*) FROM audit_outbox) = 0 AND
                (SELECT next_seq FROM seq_head) = (SELECT published_size FROM log_state) AND
                (SELECT next_seq FROM seq_head) = (SELECT next_seq FROM audit_index_head)";
            let settled =
                reader.read("test", move |tx| tx.query_optional(sql, &[], |row| row.integer(0))).await.unwrap();
            if settled == Some(1) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("the log is not indexed");
    }

    pub(super) async fn searches(&self, desk: &Page, search: &Value) -> AuditPage {
        let answer = self.asks(Portal::Internal, desk, "POST", "/v1/audit/searches", Some(search)).await;
        assert_eq!(answer.status, 200, "{search}: {}", String::from_utf8_lossy(&answer.body));
        answer.json()
    }

    /// A citizen of whom nobody knows but by their number, with one copy.
    async fn citizen(&self) -> (Page, StoredCopy) {
        let cabinet = self.session_of(Portal::External, CITIZEN).await;
        let sealed = "content-type: application/octet-stream\r\ncontent-length: 6\r\n\r\nsealed";
        let store = cabinet.request("POST", "/v1/copies?kind=passport", None);
        let store = store.replace("content-length: 0\r\n\r\n", sealed);
        let stored = self.sends(self.address(Portal::External), &store).await.json();
        (cabinet, stored)
    }

    /// The officer breaks the glass of a person and looks at a copy: without a case.
    async fn officer_looks(&self, desk: &Page, person: PersonId, copy: &StoredCopy) {
        self.confirms(desk, OFFICER, Deed::OpenBreakGlass).await;
        let request = json!({
            "opens": { "kind": "person", "person": person }, "ground": "incident",
            "reason": "A complaint that somebody else read these papers.",
        });
        let opened = self.asks(Portal::Internal, desk, "POST", "/v1/break-glass", Some(&request)).await;
        assert_eq!(opened.status, 201, "{}", String::from_utf8_lossy(&opened.body));
        let access = opened.json::<Value>()["break_glass_id"].as_str().unwrap().to_owned();
        let target = format!("/v1/break-glass/{access}/copies/{}", copy.copy_id);
        assert_eq!(self.asks(Portal::Internal, desk, "GET", &target, None).await.body, b"sealed");
    }

    async fn command(&self, arguments: &[&str]) -> (u8, String, String) {
        let folder = self.site.directory().to_owned();
        let (certificate, key, roots) =
            (folder.join("officer.pem"), folder.join("officer.key"), folder.join("roots.pem"));
        let officer = self.official(OFFICER);
        let chain = officer.certificate.to_pem() + &self.site.pki().issuing_ca().to_pem();
        std::fs::write(&certificate, chain).unwrap();
        std::fs::write(&key, officer.key.to_pkcs8_pem().unwrap()).unwrap();
        std::fs::write(&roots, self.site.pki().root().to_pem()).unwrap();
        let address = format!("https://localhost:{}", self.address(Portal::Internal).port());
        let path = |path: &Path| path.display().to_string();
        let session = ["--portal", OFFICE, "--address", &address].map(str::to_owned).into_iter().chain([
            "--roots".to_owned(),
            path(&roots),
            "--certificate".to_owned(),
            path(&certificate),
            "--sign-key".to_owned(),
            path(&key),
        ]);
        let line: Vec<String> =
            ["vuzol", "audit"].iter().chain(arguments).map(|word| (*word).to_owned()).chain(session).collect();
        tokio::task::spawn_blocking(move || run(&line)).await.unwrap()
    }
}

fn run(line: &[String]) -> (u8, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut terminal = Terminal::new(&mut out, &mut err, Language::English);
    let code = run_with(line.iter().map(Into::into), &mut terminal);
    (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_looked_at_a_person_is_told_with_proofs_and_so_is_who_asked() {
    let region = Region::start_among_registered().await;
    let officer = region.entrusts(OFFICER, Role::SecurityOfficer).await;
    let (cabinet, copy) = region.citizen().await;
    let citizen: SessionView = region.asks(Portal::External, &cabinet, "GET", "/v1/session", None).await.json();
    let desk = region.session_of(Portal::Internal, OFFICER).await;
    region.officer_looks(&desk, citizen.person, &copy).await;
    region.settled().await;

    let who = json!({ "sought": { "rnokpp": CITIZEN } });
    let page = region.searches(&desk, &who).await;
    assert_eq!(page.filter.looked_at, Some(citizen.person));
    let said = |page: &AuditPage| {
        let entry = |hit: &schemas::audit::AuditHit| {
            base64::Engine::decode(&base64::engine::general_purpose::STANDARD, &hit.entry).unwrap()
        };
        let entries = page.hits.iter().map(entry).map(|entry| serde_json::from_slice::<Value>(&entry).unwrap());
        entries.map(|entry| entry["action"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(said(&page), ["break_glass.open", "break_glass.look"], "their own deeds are no looks");
    let log = NoteVerifier::from_vkey(&region.node.log_verifier_key()).unwrap();
    for hit in &page.hits {
        let entry = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, &hit.entry).unwrap();
        let proof = crypto::merkle::TlogProof::parse(&hit.proof).unwrap();
        assert_eq!((proof.index, &proof.checkpoint), (hit.seq, &page.checkpoint));
        proof.verify(&entry, &log).unwrap();
        assert!(hit.opened.as_ref().unwrap().details.contains(&citizen.person.to_string()) && !hit.erased);
        assert!(String::from_utf8(entry).unwrap().contains(&format!("person:{officer}")));
    }
    assert_eq!(page.covered.first, 0);
    // What they looked for is what they opened it for, by the name of the ground and by that which the citizen is shown.
    for purpose in ["incident", "break-glass.incident"] {
        let page = region.searches(&desk, &json!({ "filter": { "purpose": purpose } })).await;
        assert_eq!(said(&page), ["break_glass.open", "break_glass.look"], "{purpose}");
    }
    let other = region.searches(&desk, &json!({ "filter": { "purpose": "break-glass.continuity" } })).await;
    assert_eq!(other.hits, []);

    // The question is on record, before its answer was there, and is a look itself; the citizen's number is nowhere in the log.
    region.settled().await;
    let again = region.searches(&desk, &json!({ "filter": { "looked_at": citizen.person } })).await;
    assert_eq!(said(&again), ["break_glass.open", "break_glass.look", "audit.search"]);
    let (_, reader) = storage::store::open(&region.database.store()).unwrap();
    let named = reader.read("test", move |tx| {
        let sql = "SELECT (SELECT count(*) FROM audit_seq WHERE instr(entry, CAST($1 AS BLOB)) > 0)
            + (SELECT count(*) FROM audit_payload WHERE instr(details, $1) > 0)
            + (SELECT count(*) FROM audit_index_term WHERE instr(value, $1) > 0)";
        tx.query_optional(sql, &[CITIZEN.into()], |row| row.integer(0))
    });
    assert_eq!(named.await.unwrap(), Some(0));

    // The same from the command line, replayed.
    let key = region.node.log_verifier_key();
    let (code, out, err) = region.command(&["who-looked", CITIZEN, "--check", "--log-key", &key]).await;
    assert_eq!(code, 0, "{out}{err}");
    assert!(
        out.lines().count() >= 3 && out.contains("break_glass.look") && err.contains("replayed: none was left out"),
        "{out}{err}"
    );

    // A row is taken out of the index: the answer lies, and the entry is named.
    let look = page.hits[1].seq;
    let (writer, _) = storage::store::open(&region.database.store()).unwrap();
    let lies = writer.run_tx::<_, storage::StoreError, _>("test", move |tx| {
        let sql = "-- test\nDELETE FROM audit_index_term WHERE kind = 7 AND seq = $1";
        tx.execute(sql, &[i64::try_from(look).unwrap().into()]).map(drop)
    });
    lies.await.unwrap();
    let (code, out, err) =
        region.command(&["who-looked", &citizen.person.to_string(), "--check", "--log-key", &key]).await;
    assert_eq!(code, 1, "{out}{err}");
    assert!(err.contains(&format!("entry {look} matches and is not in the answer")), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_the_log_is_taken_away_and_verified_without_the_node() {
    let region = Region::start_among_registered().await;
    region.entrusts(OFFICER, Role::SecurityOfficer).await;
    region.settled().await;
    let key = region.node.log_verifier_key();
    let file = region.site.directory().join("part.zip").display().to_string();
    let (code, out, err) = region.command(&["export", "--first", "2", "--details", "--output", &file]).await;
    assert_eq!(code, 0, "{out}{err}");
    let verify = |more: &[&str]| {
        let line =
            ["vuzol", "audit", "verify", "--archive", &file, "--key", &key].into_iter().chain(more.iter().copied());
        run(&line.map(str::to_owned).collect::<Vec<_>>())
    };
    let (code, out, _) = verify(&[]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("WHOLE: entries 2 to before"), "{out}");
    let (_, json, _) = verify(&["--json"]);
    let report: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&report["whole"], &report["first"]), (&json!(true), &json!(2)));
    assert!(report["details"].as_u64() >= Some(1), "{json}");
    // And the whole of it, from the node itself.
    let operator = region.site.operator();
    let [certificate, private, roots] =
        ["op.pem", "op.key", "roots.pem"].map(|name| region.site.directory().join(name).display().to_string());
    std::fs::write(&certificate, operator.certificate.to_pem() + &region.site.pki().issuing_ca().to_pem()).unwrap();
    std::fs::write(&private, operator.key.to_pkcs8_pem().unwrap()).unwrap();
    let base = format!("https://localhost:{}", region.node.public_address().port());
    let login = ["--roots", &roots, "--certificate", &certificate, "--certificate-key", &private];
    let line = ["vuzol", "audit", "verify", "--node", &base, "--key", &key].into_iter().chain(login);
    let line: Vec<String> = line.map(str::to_owned).collect();
    let (code, out, err) = tokio::task::spawn_blocking(move || run(&line)).await.unwrap();
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("WHOLE: "), "{out}");
    let mut octets = std::fs::read(&file).unwrap();
    let middle = octets.len() / 2;
    octets[middle] ^= 1;
    std::fs::write(&file, octets).unwrap();
    let (code, out, _) = verify(&[]);
    assert_eq!(code, 1);
    assert!(out.starts_with("WRONG broken: broken at "), "{out}");
    // That it was taken is on record.
    region.settled().await;
    let desk = region.session_of(Portal::Internal, OFFICER).await;
    let page = region.searches(&desk, &json!({ "filter": { "action": "audit.export" } })).await;
    assert_eq!(page.hits.len(), 1);
    let details: Value = serde_json::from_str(&page.hits[0].opened.as_ref().unwrap().details).unwrap();
    assert_eq!((&details["first"], &details["details"]), (&json!(2), &json!(true)));
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_are_raised_from_what_is_done_and_answered_by_an_officer() {
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let region = Region::begin(None, clock, |config| config.alerts.work_days = Vec::new()).await;
    region.entrusts(OFFICER, Role::SecurityOfficer).await;
    region.entrusts(AUDITOR, Role::Auditor).await;
    let (cabinet, copy) = region.citizen().await;
    let citizen: SessionView = region.asks(Portal::External, &cabinet, "GET", "/v1/session", None).await.json();
    let desk = region.session_of(Portal::Internal, OFFICER).await;
    region.officer_looks(&desk, citizen.person, &copy).await;
    let mut alerts: Vec<KeptAlert> = Vec::new();
    for _ in 0..400 {
        let page: AlertPage = region.asks(Portal::Internal, &desk, "GET", "/v1/alerts", None).await.json();
        alerts = page.alerts;
        if !alerts.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let Alert { rule, alert_id, entries, .. } = alerts[0].alert.clone();
    assert_eq!((alerts.len(), rule.as_str(), entries.len()), (1, "look_without_case", 1));
    let books = region.session_of(Portal::Internal, AUDITOR).await;
    let told: AlertPage = region.asks(Portal::Internal, &books, "GET", "/v1/alerts", None).await.json();
    assert_eq!(told.alerts, alerts);
    let target = format!("/v1/alerts/{alert_id}/seen");
    let remark = json!({ "remark": "The complaint of this morning: I looked at it myself." });
    let see = async |page: &Page, body: &Value| region.asks(Portal::Internal, page, "POST", &target, Some(body)).await;
    assert_eq!(see(&books, &remark).await.code(), P::ActionForbidden.to_string());
    assert_eq!(see(&desk, &json!({ "remark": "ok" })).await.code(), P::AlertRemarkWrong.to_string());
    assert_eq!(see(&desk, &json!({ "remark": "a\u{7}bc" })).await.code(), P::AlertRemarkWrong.to_string());
    let seen = see(&desk, &remark).await;
    assert_eq!(seen.status, 200, "{}", String::from_utf8_lossy(&seen.body));
    assert_eq!(see(&desk, &remark).await.code(), P::AlertSeenBefore.to_string());
    let nobody = "/v1/alerts/01938f6e-3c00-7abc-8def-0123456789ab/seen";
    let nobody = region.asks(Portal::Internal, &desk, "POST", nobody, Some(&remark)).await;
    assert_eq!(nobody.code(), P::NotFound.to_string());
    let open: AlertPage = region.asks(Portal::Internal, &desk, "GET", "/v1/alerts", None).await.json();
    assert_eq!(open.alerts, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_filters_are_refused_and_nobody_else_asks() {
    let region = Region::start_among_registered().await;
    region.entrusts(OFFICER, Role::SecurityOfficer).await;
    let desk = region.session_of(Portal::Internal, OFFICER).await;
    region.settled().await;
    for (search, status, code) in [
        (json!({ "filter": { "action": "copy.steal" } }), 422, P::AuditFilterWrong),
        (json!({ "filter": { "object": "x".repeat(300) } }), 422, P::AuditFilterWrong),
        (json!({ "limit": 0 }), 422, P::AuditFilterWrong),
        (json!({ "limit": 101 }), 422, P::AuditFilterWrong),
        (json!({ "first": 9, "end": 3 }), 422, P::AuditFilterWrong),
        (json!({ "end": u64::MAX }), 422, P::AuditFilterWrong),
        (json!({ "sought": { "rnokpp": "1" } }), 422, P::PersonNumberWrong),
        (json!({ "sought": { "rnokpp": "3184710691" } }), 404, P::NotFound),
        (json!({ "sought": {} }), 422, P::PersonNumberWrong),
        (
            json!({ "sought": { "rnokpp": OFFICER }, "filter": { "looked_at": "01938f6e-3c00-7abc-8def-0123456789ab" } }),
            422,
            P::AuditFilterWrong,
        ),
        (json!({ "filter": { "person": "3184710691" } }), 400, P::MalformedJson),
        (json!({ "filter": { "nobody": 1 } }), 400, P::MalformedJson),
        (json!(7), 400, P::MalformedJson),
    ] {
        let answer = region.asks(Portal::Internal, &desk, "POST", "/v1/audit/searches", Some(&search)).await;
        assert_eq!((answer.status, answer.code()), (status, code.to_string()), "{search}");
        assert!(!String::from_utf8_lossy(&answer.body).contains("3184710691"));
    }
    for export in
        [json!({ "first": 1_u64 << 40 }), json!({ "first": 3, "end": 3 }), json!({ "first": 0, "end": u64::MAX })]
    {
        let answer = region.asks(Portal::Internal, &desk, "POST", "/v1/audit/exports", Some(&export)).await;
        assert_eq!((answer.status, answer.code()), (422, P::AuditRangeWrong.to_string()), "{export}");
    }
    // SQL is a name like any other, and finds nothing.
    let page = region.searches(&desk, &json!({ "filter": { "object": "x' OR '1'='1" } })).await;
    assert_eq!(page.hits, []);
    assert!(page.covered.end > 3);

    let base = format!("https://localhost:{}", region.node.public_address().port());
    for identity in [region.site.operator(), &region.site.agencies()[0].login] {
        let client = region.site.client(&base, identity).unwrap();
        for target in ["/v1/audit/searches", "/v1/audit/exports"] {
            let headers = [("content-type", "application/json")];
            let answer = client.raw(::http::Method::POST, target, &headers, "{\"first\":0}").await.unwrap();
            let told = (answer.status.as_u16(), answer.problem().map(|problem| problem.code));
            assert_eq!(told, (403, Some(P::ActionForbidden.to_string())), "{target}");
        }
        assert_eq!(raw(&client, ::http::Method::GET, "/v1/alerts").await, (403, Some(P::ActionForbidden.to_string())));
    }
    let cabinet = region.session_of(Portal::External, CITIZEN).await;
    let answer = region.asks(Portal::External, &cabinet, "POST", "/v1/audit/searches", Some(&json!({}))).await;
    assert_eq!(answer.code(), P::ActionForbidden.to_string());
}
