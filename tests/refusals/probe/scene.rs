//! A region with one thing of each kind, of one's own and of others, and everybody who knocks.
//!
//! Agency A is the participant whose people and systems ask. B wrote to it; what is foreign is between B and C, of C's people, or of an
//! applicant of C.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use access::token::SCOPES;
use certs::certificate::Certificate;
use certs::dev::{Identity, Usage};
use crypto::key::{Curve, KeyKind, SoftwareKey};
use gateway::config::ClassConfig;
use schemas::access::{Portal, Role};
use schemas::directory::ImportRequest;
use schemas::message::Receipt;
use schemas::retention::{ActRequest, HoldRequest, HoldSubject, Member};
use schemas::routing::FunctionalAddress;
use schemas::session::{Deed, IssuedToken};
use schemas::{Edrpou, PersonId};
use serde_json::{Value, json};
use tests::harness::agency::fresh_key;
use tests::harness::neighbours::{Papers, states};
use tests::harness::people::fresh_number;
use tests::harness::{Agency, Answer, Ground, Page, Person, Region, Request, Wire, pdf};
use time::Duration;

use super::expected::OFFICER;
use super::table::opening;
use super::who::{self, Door, NARROW, Who};

/// What is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Thing {
    /// Of the participant of whoever asks, or of the person.
    Own,
    /// Of another participant and another person.
    Foreign,
    /// Not there.
    None,
}

impl Thing {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Foreign => "foreign",
            Self::None => "none",
        }
    }

    /// Its place in the matrix. What is not there is answered as what is another's.
    pub(super) fn column(self) -> usize {
        if self == Self::Own { 0 } else { 2 }
    }
}

/// One thing of each kind, as requests name it.
#[derive(Debug, Clone)]
pub(super) struct Things {
    pub(super) participant: String,
    pub(super) mailbox: String,
    pub(super) message: String,
    pub(super) case: String,
    pub(super) announcement: String,
    pub(super) person: String,
    pub(super) assignment: String,
    pub(super) application: String,
    pub(super) copy: String,
    pub(super) token: String,
    pub(super) certificate: String,
    pub(super) hold: String,
    pub(super) act: String,
    pub(super) import: String,
    pub(super) event: String,
    /// Break-glass access to the application, which the security officer opened; of others, which a head of their centre did.
    pub(super) glass: String,
    /// The same, which a head of the centre opened.
    pub(super) watched: String,
    /// Another node.
    pub(super) peer: String,
}

/// How somebody's requests come to the node.
enum Way {
    Api { wire: Wire, header: Option<(&'static str, String)> },
    Portal { page: Page, header: Option<(&'static str, String)> },
}

/// The region, and whoever is in it.
pub(super) struct Scene {
    pub(super) region: Region,
    /// Somebody in the directory with no role at all.
    pub(super) newcomer: PersonId,
    /// The address of a schema.
    pub(super) schema: String,
    /// What two operators stated of another node.
    pub(super) peer_statement: Value,
    own: Things,
    foreign: Things,
    none: Things,
    ways: BTreeMap<(Door, &'static str), Way>,
    people: BTreeMap<&'static str, (Person, Page)>,
}

const P256: KeyKind = KeyKind::Ec(Curve::P256);

/// The name of the node that may relay.
const PEER: &str = "two.example";

/// The name of a node that operators stated.
const STATED: &str = "three.example";

impl Scene {
    /// Sets everything up.
    pub(super) async fn set() -> Self {
        let mut peer = None;
        let region = Region::start_with(|ground| peer = Some(prepare(ground))).await;
        let peer = peer.expect("prepared");
        region.ground.opens_channel(&region.operator, &region.b, &region.c.mailbox()).await;
        let due = accepted(&region, &region.a, &region.b).await;

        // What has expired by the time that all else is there.
        let head = region.official(Role::HeadOfAgency, &region.a).await;
        let late = region.logs_in(Portal::Internal, &head).await;
        let expired_token = issues(&region, &late, &head, region.a.edrpou(), NARROW, 1).await;
        let applicant = region.enters_person(None).await;
        let late_applicant = region.logs_in(Portal::External, &applicant).await;
        region.time_passes(Duration::hours(25));

        let applicant_page = region.logs_in(Portal::External, &applicant).await;
        let other = region.enters_person(None).await;
        let other_page = region.logs_in(Portal::External, &other).await;
        let (copy, application) = applies(&region, &applicant_page, &region.a).await;
        let (foreign_copy, foreign_application) = applies(&region, &other_page, &region.c).await;

        let page = region.logs_in(Portal::Internal, &head).await;
        let token = async |scopes| issues(&region, &page, &head, region.a.edrpou(), scopes, 30).await;
        let (narrow, wide, revoked_token) = (token(NARROW).await, token(SCOPES).await, token(NARROW).await);
        region.confirms(&page, &head, Deed::RevokeToken).await;
        let target = format!("/v1/participants/{}/tokens/{}", region.a.edrpou(), revoked_token.view.token);
        assert_eq!(page.does("DELETE", &target).await.status, 204);
        let elsewhere = region.official(Role::HeadOfAgency, &region.c).await;
        let there = region.logs_in(Portal::Internal, &elsewhere).await;
        let foreign_token = issues(&region, &there, &elsewhere, region.c.edrpou(), NARROW, 30).await;

        let letter = async |from: &Agency, to: &Agency| -> Receipt {
            from.submits(pdf("a letter")).to(&to.mailbox()).await.expect("a receipt")
        };
        let (own, foreign) = (letter(&region.b, &region.a).await, letter(&region.b, &region.c).await);
        let hold = HoldRequest { subject: HoldSubject::Message(due.message_id), reason: "a ruling".to_owned() };
        let act = region.operator.draw_act(&Self::act_request()).await.expect("an act");
        let hold = region.operator.place_hold(&hold).await.expect("a hold");
        let people = Some(format!("name,rnokpp\nОсоба,{}\n", fresh_number()));
        let import = ImportRequest { people, ..ImportRequest::default() };
        let import = region.operator.import_directory(&import).await.expect("an import").import.expect("entered");
        let at_home = represents(&region, &region.a).await;
        let away = represents(&region, &region.c).await;
        let things = |agency: &Agency, receipt: &Receipt| Things {
            participant: agency.edrpou().to_string(),
            mailbox: agency.mailbox().to_string(),
            message: receipt.message_id.to_string(),
            case: receipt.case_id.to_string(),
            announcement: String::new(),
            person: String::new(),
            assignment: String::new(),
            application: String::new(),
            copy: String::new(),
            token: String::new(),
            certificate: crypto::digest::hex(&agency.signer().certificate.fingerprint()),
            hold: hold.hold_id.to_string(),
            act: act.act_id.to_string(),
            import: import.to_string(),
            event: receipt.event_id.to_string(),
            glass: String::new(),
            watched: String::new(),
            peer: STATED.to_owned(),
        };
        let own = Things {
            announcement: announces(&region, &region.a, &region.b).await,
            person: at_home.0,
            assignment: at_home.1,
            application,
            copy,
            token: narrow.view.token.to_string(),
            ..things(&region.a, &own)
        };
        let foreign = Things {
            announcement: announces(&region, &region.b, &region.c).await,
            person: away.0,
            assignment: away.1,
            application: foreign_application,
            copy: foreign_copy,
            token: foreign_token.view.token.to_string(),
            ..things(&region.c, &foreign)
        };
        let newcomer = region.enters_person(None).await.id;
        let address = FunctionalAddress {
            service: "subsidy".parse().expect("a service"),
            area: None,
            mailbox: region.a.mailbox(),
        };
        region.operator.set_address(&address).await.expect("an address");
        let schemas: Value = region.wire(Some(region.a.login())).asks(&Request::get("/v1/schemas")).await.json();
        let schema = &schemas["schemas"][0];
        let schema = format!("/v1/schemas/{}/{}", schema["kind"].as_str().expect("a kind"), schema["version"]);

        let third = Papers::issue(&region.ground, STATED);
        let base = region.ground.base();
        states(&region.ground, &base, &third, "https://localhost:9", 0).await;
        let statement = third.statement(&region.ground, "https://localhost:9");
        let peer_statement = serde_json::to_value(statement).expect("JSON");

        let mut scene = Self {
            newcomer,
            schema,
            peer_statement,
            own,
            foreign,
            none: nothing(),
            ways: BTreeMap::new(),
            people: BTreeMap::new(),
            region,
        };
        scene.systems(&peer, [&narrow, &wide, &expired_token, &revoked_token]);
        scene.officials().await;
        scene.glasses().await;
        let over = [(Portal::Internal, head, late), (Portal::External, applicant, late_applicant)];
        scene.strangers_at_portals(over, &narrow).await;
        scene.people.insert(Role::Applicant.as_str(), (other, other_page));
        scene.page(Door::External, Role::Applicant.as_str(), applicant_page);
        scene.forged();
        for who in who::all() {
            assert!(scene.ways.contains_key(&(who.door, who.name)), "nobody knocks as {who:?}");
        }
        scene
    }

    /// The things of that kind.
    pub(super) fn of(&self, thing: Thing) -> &Things {
        match thing {
            Thing::Own => &self.own,
            Thing::Foreign => &self.foreign,
            Thing::None => &self.none,
        }
    }

    /// The envelope of a letter to B: from A, from C, from nobody here.
    pub(super) fn envelope(&self, thing: Thing) -> Value {
        let mut envelope = serde_json::to_value(self.region.a.envelope(&self.region.b.mailbox())).expect("JSON");
        envelope["sender"] = json!(self.of(thing).participant);
        envelope
    }

    /// The announcement of such a letter.
    pub(super) fn announcement_of(&self, thing: Thing) -> Value {
        announcement(&self.envelope(thing))
    }

    /// An act of disposal under a number of its own.
    pub(super) fn act_request() -> ActRequest {
        let member =
            |name: &str| Member { name: name.to_owned(), position: "clerk".to_owned(), word: "agreed".to_owned() };
        ActRequest {
            number: fresh_key(),
            date: "2026-11-26".to_owned(),
            class: "standard".parse().expect("a class"),
            participant: None,
            ground: "article 6".to_owned(),
            commission: vec![member("one"), member("two")],
            most: None,
        }
    }

    /// Sends a request as somebody.
    pub(super) async fn asks(&self, who: &Who, request: &Request) -> Answer {
        let with = |header: &Option<(&'static str, String)>| match header {
            Some((name, value)) => request.clone().header(name, value),
            None => request.clone(),
        };
        match &self.ways[&(who.door, who.name)] {
            Way::Api { wire, header } => wire.asks(&with(header)).await,
            Way::Portal { page, header } => page.asks(&with(header)).await,
        }
    }

    /// Confirms the deed of that name, as somebody with a session.
    pub(super) async fn confirms(&self, who: &Who, deed: &str) {
        let (person, page) = &self.people[who.name];
        self.region.confirms(page, person, deed.parse().expect("a deed that is confirmed")).await;
    }

    fn systems(&mut self, peer: &Identity, [narrow, wide, expired, revoked]: [&IssuedToken; 4]) {
        let (ground, a) = (&self.region.ground, &self.region.a);
        let (pki, address) = (ground.site.pki(), ground.config.listen.public);
        let (authority, foreigner) = ground.foreign(a, Usage::TlsClient);
        let wire = |login: Option<&Identity>| Wire::new(pki, login.map(|login| (login, &**pki)), address);
        let bearer = |secret: &str| Some(("authorization", format!("Bearer {secret}")));
        let cookie = Some(("cookie", format!("__Host-vuzol-internal={}", "A".repeat(43))));
        let ways = [
            ("nobody", wire(None), None),
            ("certificate of another authority", Wire::new(pki, Some((&foreigner, &authority)), address), None),
            ("certificate that nobody registered", wire(Some(self.region.stranger.login())), None),
            ("expired certificate", wire(Some(&ground.issues_expired(a, Usage::TlsClient))), None),
            ("revoked certificate", wire(Some(&ground.issues_revoked(a, Usage::TlsClient))), None),
            ("cookie of a session", wire(None), cookie),
            ("token of nobody", wire(None), bearer(&format!("vuzol_{}", "A".repeat(43)))),
            ("expired token", wire(None), bearer(&expired.secret)),
            ("revoked token", wire(None), bearer(&revoked.secret)),
            ("participant's system", wire(Some(a.login())), None),
            ("operator's certificate", wire(Some(ground.site.operator())), None),
            ("peer", wire(Some(peer)), None),
            ("token of every scope", wire(None), bearer(&wide.secret)),
            ("token of one scope", wire(None), bearer(&narrow.secret)),
        ];
        for (place, (name, wire, header)) in (1..).zip(ways) {
            let wire = wire.coming_from(from(1, place));
            self.ways.insert((Door::Api, name), Way::Api { wire, header });
        }
    }

    /// One official for each role.
    async fn officials(&mut self) {
        for role in Role::ALL.iter().filter(|role| **role != Role::Applicant) {
            let person = self.region.official(*role, &self.region.a).await;
            let page = self.region.logs_in(Portal::Internal, &person).await;
            self.people.insert(role.as_str(), (person, page.clone()));
            self.page(Door::Internal, role.as_str(), page);
        }
        let a = &self.region.a;
        let person = self.region.enters_person(Some(a)).await;
        let assignment = self.region.entrusts(person.id, Role::AuthorisedRepresentative, Some(a)).await;
        let page = self.region.logs_in(Portal::Internal, &person).await;
        self.region.operator.revoke_role(person.id, assignment.id).await.expect("a role that is taken back");
        self.page(Door::Internal, "role taken back", page);
    }

    /// Opens break-glass access to one's own application and to another's.
    async fn glasses(&mut self) {
        let (officer, page) = &self.people[OFFICER];
        self.own.glass = breaks(&self.region, page, officer, &self.own.application).await;
        for (centre, things) in [(&self.region.a, &mut self.own), (&self.region.c, &mut self.foreign)] {
            let head = self.region.official(Role::HeadOfCentre, centre).await;
            let page = self.region.logs_in(Portal::Internal, &head).await;
            things.watched = breaks(&self.region, &page, &head, &things.application).await;
        }
        self.foreign.glass.clone_from(&self.foreign.watched);
        // The officer's signature serves no more.
        self.region.time_passes(Duration::minutes(6));
    }

    /// Those whose sessions are worth nothing. Of either portal: a person, and their page of the day before.
    async fn strangers_at_portals(&mut self, over: [(Portal, Person, Page); 2], token: &IssuedToken) {
        let mut good = Vec::new();
        for (portal, person, late) in over {
            let (door, region) = (door(portal), &self.region);
            let ended = region.logs_in(portal, &person).await;
            assert_eq!(ended.does("DELETE", "/v1/session").await.status, 204);
            // The same person with another certificate, which is revoked while the session is open.
            let organisation = (portal == Portal::Internal).then(|| region.a.edrpou());
            let signer = region.ground.issues_to_person(&person.rnokpp, organisation, P256);
            let lost = Person { signer, id: person.id, rnokpp: person.rnokpp.clone() };
            let revoked = region.logs_in(portal, &lost).await;
            region.ground.site.pki().revoke(&lost.signer.certificate, region.ground.clock.now(), 1);
            let nobody = region.page(portal);
            let random =
                Page { cookie: Some(cookie(portal, &"A".repeat(43))), csrf: Some("A".into()), ..nobody.clone() };
            good.push((portal, region.logs_in(portal, &person).await));
            for (name, page) in [
                ("nobody", nobody.clone()),
                ("cookie of nobody", random),
                ("ended session", ended),
                ("expired session", late),
                ("session of a revoked certificate", revoked),
            ] {
                self.page(door, name, page);
            }
            let header = Some(("authorization", format!("Bearer {}", token.secret)));
            let page = self.placed_elsewhere(door, nobody);
            self.ways.insert((door, "token"), Way::Portal { page, header });
        }
        // A verdict on a certificate is believed for a minute.
        self.region.time_passes(Duration::seconds(61));
        for (portal, of_other) in [(Portal::External, &good[0].1), (Portal::Internal, &good[1].1)] {
            let value = of_other.cookie_value();
            let page =
                Page { cookie: Some(cookie(portal, value)), csrf: of_other.csrf.clone(), ..self.region.page(portal) };
            self.page(door(portal), "session of the other portal", page);
        }
    }

    /// What no page of the portal sends, with a session that is good.
    fn forged(&mut self) {
        for (door, role) in [(Door::Internal, Role::HeadOfAgency), (Door::External, Role::Applicant)] {
            let Way::Portal { page, .. } = &self.ways[&(door, role.as_str())] else { panic!("{role} has a page") };
            let elsewhere = Page { origin: Some("https://elsewhere.example".to_owned()), ..page.clone() };
            let silent = Page { csrf: None, ..page.clone() };
            self.page(door, "page of another origin", elsewhere);
            self.page(door, "page without the CSRF token", silent);
        }
    }

    fn page(&mut self, door: Door, name: &'static str, page: Page) {
        let page = self.placed_elsewhere(door, page);
        self.ways.insert((door, name), Way::Portal { page, header: None });
    }

    /// Each from an address of its own: the node bounds what one address is refused.
    fn placed_elsewhere(&self, door: Door, page: Page) -> Page {
        let (network, place) = (if door == Door::Internal { 2 } else { 3 }, self.ways.len());
        let wire = page.wire.clone().coming_from(from(network, u8::try_from(place + 1).expect("not so many")));
        Page { wire, ..page }
    }
}

fn from(network: u8, place: u8) -> IpAddr {
    Ipv4Addr::new(127, 0, network, place).into()
}

fn door(portal: Portal) -> Door {
    match portal {
        Portal::Internal => Door::Internal,
        Portal::External => Door::External,
    }
}

fn cookie(portal: Portal, value: &str) -> String {
    format!("__Host-vuzol-{}={value}", portal.as_str())
}

/// Portals, a key ring, a peer, and a class of retention that is over after a day. Answers what the peer logs in with.
fn prepare(ground: &mut Ground) -> Identity {
    ground.opens_portals();
    ground.makes_ring();
    let standard = ClassConfig { days: Some(1), permanent: false };
    ground.config.retention.classes.insert("standard".to_owned(), standard);
    let papers = Papers::issue(ground, PEER);
    ground.config.relay.login = Some(papers.login.clone());
    ground.config.relay.peers = vec![papers.as_peer(ground, "https://localhost:9")];
    let read = |file| std::fs::read_to_string(file).expect("a file of the peer's");
    let certificate = Certificate::from_pem(&read(&papers.login.certificate)).expect("certificates").remove(0);
    let key = SoftwareKey::from_pkcs8_pem(&read(&papers.login.key)).expect("a key");
    Identity { certificate, key }
}

/// What is not there: well formed, and nobody's.
fn nothing() -> Things {
    const NOTHING: &str = "01938f6e-3c00-7abc-8def-0123456789ab";
    let nothing = || NOTHING.to_owned();
    Things {
        participant: "99000099".to_owned(),
        mailbox: "99000099.chancellery".to_owned(),
        message: nothing(),
        case: nothing(),
        announcement: nothing(),
        person: nothing(),
        assignment: nothing(),
        application: nothing(),
        copy: nothing(),
        token: nothing(),
        certificate: "0".repeat(64),
        hold: nothing(),
        act: nothing(),
        import: nothing(),
        event: nothing(),
        glass: nothing(),
        watched: nothing(),
        peer: "nobody.example".to_owned(),
    }
}

/// A letter that was accepted.
async fn accepted(region: &Region, from: &Agency, to: &Agency) -> Receipt {
    let receipt = from.submits(pdf("a letter")).to(&to.mailbox()).await.expect("a receipt");
    let lease = to.awaits(100).await.expect("a lease");
    to.client.download(receipt.message_id, 0, lease.token).await.expect("a download");
    to.accepts(lease.token, receipt.message_id, &pdf("a letter")).await.expect("an acceptance");
    region.consigns_all(to).await;
    receipt
}

/// A token that a head issues.
async fn issues(
    region: &Region,
    page: &Page,
    head: &Person,
    participant: Edrpou,
    scopes: &[&str],
    days: u16,
) -> IssuedToken {
    region.confirms(page, head, Deed::IssueToken).await;
    let request = json!({ "name": "archive", "scopes": scopes, "days": days });
    let answer = page.posts(&format!("/v1/participants/{participant}/tokens"), &request).await;
    assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
    answer.json()
}

/// A copy, attached to an application at that centre.
async fn applies(region: &Region, page: &Page, centre: &Agency) -> (String, String) {
    let store = Request::post("/v1/copies?kind=passport").body("application/octet-stream", "sealed");
    let copy: Value = page.asks(&store).await.json();
    let request = json!({ "centre": centre.edrpou(), "service": "subsidy" });
    let application: Value = page.posts("/v1/applications", &request).await.json();
    let id = |value: &Value| value.as_str().expect("an id").to_owned();
    let (copy, application) = (id(&copy["copy_id"]), id(&application["application_id"]));
    let attached = page.does("PUT", &format!("/v1/applications/{application}/copies/{copy}")).await;
    assert_eq!(attached.status, 200, "{}", String::from_utf8_lossy(&attached.body));
    region.time_passes(Duration::milliseconds(1));
    (copy, application)
}

/// Opens break-glass access.
async fn breaks(region: &Region, page: &Page, person: &Person, application: &str) -> String {
    region.confirms(page, person, Deed::OpenBreakGlass).await;
    let answer = page.posts("/v1/break-glass", &opening(application)).await;
    assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
    let opened: Value = answer.json();
    opened["break_glass_id"].as_str().expect("an id").to_owned()
}

/// Somebody who represents an agency, and by which assignment.
async fn represents(region: &Region, agency: &Agency) -> (String, String) {
    let person = region.enters_person(Some(agency)).await;
    let assignment = region.entrusts(person.id, Role::AuthorisedRepresentative, Some(agency)).await;
    (person.id.to_string(), assignment.id.to_string())
}

/// The announcement of a letter in two parts.
fn announcement(envelope: &Value) -> Value {
    json!({
        "envelope": envelope,
        "parts": [
            { "number": 0, "role": "document", "media_type": "application/pdf", "size": 4 },
            { "number": 1, "role": "signature", "of": 0, "media_type": "application/pkcs7-signature", "size": 4 },
        ],
    })
}

/// Announces one.
async fn announces(region: &Region, from: &Agency, to: &Agency) -> String {
    let envelope = serde_json::to_value(from.envelope(&to.mailbox())).expect("JSON");
    let request = Request::post("/v1/announcements").header("idempotency-key", fresh_key());
    let request = request.body("application/json", announcement(&envelope).to_string());
    let answer = region.wire(Some(from.login())).asks(&request).await;
    assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
    answer.json::<Value>()["message_id"].as_str().expect("a message").to_owned()
}
