use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs::certificate::Certificate;
use certs::dev::{Identity, Usage};
use schemas::ProblemCode::{MalformedJson, NotFound, PeerChanged, PeerConfigured, SameOperator};
use schemas::access::Role;
use schemas::directory::PersonRegistration;
use schemas::peer::{PeerName, PeerOutcome, PeerSource, PeerStatement};
use schemas::registry::{CertificateUsage, ParticipantRegistration};
use schemas::{AreaCode, ProblemCode};
use time::Duration;

use super::*;
use crate::actor::{Actor, Person};
use crate::decide::{Access, ReadPeers, RegisterPerson, SetPeer};
use crate::people::IdentityKey;
use crate::registry::RegistryError;
use crate::town::{NODE, NOON, PEER, Town, certificate, edrpou, issue, registration};

const OTHER: &str = "poltava.example";
const AGENCY: &str = "00000001";
const ELSEWHERE: &str = "00000004";

/// Fictitious numbers of persons, whose control digits check.
const NUMBERS: [&str; 3] = ["0000000017", "0000000023", "0000000030"];

fn key() -> IdentityKey {
    IdentityKey::new([7; 32])
}

/// Keys of another node.
struct Far {
    login: Identity,
    evidence: Identity,
}

impl Far {
    fn new(town: &Town) -> Self {
        let of = |usage| issue(&town.responder.pki, None, usage, NOON + Duration::days(10));
        Self { login: of(Usage::TlsClient), evidence: of(Usage::Seal) }
    }

    fn statement(&self, town: &Town) -> PeerStatement {
        statement(&[town.responder.pki.root()], &[&self.login.certificate], &[&self.evidence.certificate])
    }
}

fn statement(authorities: &[&Certificate], login: &[&Certificate], evidence: &[&Certificate]) -> PeerStatement {
    let encoded = |all: &[&Certificate]| all.iter().map(|one| STANDARD.encode(one.der())).collect();
    PeerStatement {
        url: "https://vuzol.poltava.example:8443".to_owned(),
        authorities: encoded(authorities),
        login: encoded(login),
        evidence: encoded(evidence),
    }
}

fn name(text: &str) -> PeerName {
    text.parse().unwrap()
}

/// The second of the town's operators.
fn second() -> Actor {
    Actor::Operator { certificate: [9; 32] }
}

fn code(error: RegistryError) -> ProblemCode {
    match error {
        RegistryError::Invalid { code, .. } => code,
        RegistryError::Store(error) => panic!("{error}"),
    }
}

async fn says(
    access: &Access,
    operator: &Actor,
    peer: &str,
    replaces: u32,
    statement: &PeerStatement,
) -> Result<PeerOutcome, RegistryError> {
    let permit = access.decide::<SetPeer>(operator, name(peer)).await.unwrap();
    access.set_peer(permit, replaces, Stated::check(&name(peer), statement)?).await
}

async fn both_say(town: &Town, replaces: u32, statement: &PeerStatement) -> PeerOutcome {
    let first = says(&town.access, &town.operator(), OTHER, replaces, statement).await.unwrap();
    assert!(first.version.is_none() && first.proposal.is_some(), "{first:?}");
    says(&town.access, &second(), OTHER, replaces, statement).await.unwrap()
}

async fn withdraws(town: &Town, peer: &str) -> Result<(), RegistryError> {
    let permit = town.access.decide::<SetPeer>(&second(), name(peer)).await.unwrap();
    town.access.peers().withdraw(permit).await
}

#[tokio::test]
async fn what_two_operators_state_holds_until_one_withdraws_it() {
    let town = Town::new();
    let (far, chain) = (Far::new(&town), |far: &Far| town.chain(&far.login));
    let stranger = ProblemCode::ClientCertificateUnregistered;
    let stated = far.statement(&town);

    let proposed = says(&town.access, &town.operator(), OTHER, 0, &stated).await.unwrap().proposal.unwrap();
    assert!(proposed.subject.starts_with("poltava.example 0 "), "{}", proposed.subject);
    assert_eq!(town.access.identify(&chain(&far)).await.unwrap_err(), stranger, "one word is none");
    let again = says(&town.access, &town.operator(), OTHER, 0, &stated).await;
    assert_eq!(code(again.unwrap_err()), SameOperator);
    let outcome = says(&town.access, &second(), OTHER, 0, &stated).await.unwrap();
    assert_eq!((outcome.version, outcome.proposal), (Some(1), None));

    let actor = town.access.identify(&chain(&far)).await.unwrap();
    assert_eq!(actor.peer().map(|name| &**name), Some(OTHER));
    let known = town.access.peers().find(OTHER).await.unwrap().unwrap();
    assert_eq!((known.url(), known.evidence()), (stated.url.as_str(), &[far.evidence.certificate.clone()][..]));
    let names = town.access.peers().names().await.unwrap();
    assert_eq!(names.iter().map(|name| &**name).collect::<Vec<_>>(), [PEER, OTHER]);

    assert_eq!(town.access.still_is(&actor).await, Ok(true));
    withdraws(&town, OTHER).await.unwrap();
    assert_eq!(town.access.still_is(&actor).await, Ok(false), "a connection that is open ends with its next request");
    assert_eq!(town.access.identify(&chain(&far)).await.unwrap_err(), stranger);
    assert_eq!(town.access.peers().find(OTHER).await.unwrap(), None);
    assert_eq!(code(withdraws(&town, OTHER).await.unwrap_err()), NotFound);
    let (first, second) = (town.operator().pseudonym(), second().pseudonym());
    let row = |action: &str, by: &str| format!("{action} {by} \"peer:{OTHER}\"");
    let expected = [row("peer.propose", &first), row("peer.set", &second), row("peer.withdraw", &second)];
    assert_eq!(town.audited().await, expected);
}

/// An undo is a deed of its own: the version before is stated again.
#[tokio::test]
async fn every_change_is_a_version_and_the_one_before_can_be_stated_again() {
    let town = Town::new();
    let (old, new) = (Far::new(&town), Far::new(&town));
    both_say(&town, 0, &old.statement(&town)).await;
    assert_eq!(both_say(&town, 1, &new.statement(&town)).await.version, Some(2));
    let identified = async |far: &Far| town.access.identify(&town.chain(&far.login)).await.is_ok();
    assert!(!identified(&old).await && identified(&new).await, "the login before is nobody's at once");
    withdraws(&town, OTHER).await.unwrap();

    let permit = async || town.access.decide::<ReadPeers>(&second(), ()).await.unwrap();
    let history = town.access.peers().history(permit().await, name(OTHER)).await.unwrap().versions;
    assert_eq!(history.iter().map(|version| version.version).collect::<Vec<_>>(), [3, 2, 1]);
    assert!(history[0].statement.is_none() && history[0].proposed_by.is_none());
    assert_eq!((&history[1].by, &history[1].proposed_by), (&second().pseudonym(), &Some(town.operator().pseudonym())));
    let before = history[2].statement.clone().unwrap();
    assert_eq!(before, old.statement(&town), "whole, so that it can be stated again");
    assert_eq!(both_say(&town, 3, &before).await.version, Some(4));
    assert!(identified(&old).await && !identified(&new).await);
    let unknown = town.access.peers().history(permit().await, name("nobody.example")).await;
    assert_eq!(code(unknown.unwrap_err()), NotFound);
}

#[tokio::test]
async fn a_word_about_another_version_changes_nothing_and_a_repeat_is_answered_as_before() {
    let town = Town::new();
    let (far, other) = (Far::new(&town), Far::new(&town));
    let stated = far.statement(&town);
    // Both propose at once: whoever is second finds another version than the one that they would replace.
    says(&town.access, &town.operator(), OTHER, 0, &other.statement(&town)).await.unwrap();
    both_say(&town, 0, &stated).await;
    let late = says(&town.access, &second(), OTHER, 0, &other.statement(&town)).await;
    assert_eq!(code(late.unwrap_err()), PeerChanged);
    for wrong in [2, 7, u32::MAX] {
        let refused = says(&town.access, &second(), OTHER, wrong, &stated).await;
        assert_eq!(code(refused.unwrap_err()), PeerChanged, "{wrong}");
    }
    let rows = town.audited().await.len();
    for operator in [second(), town.operator()] {
        let repeated = says(&town.access, &operator, OTHER, 0, &stated).await.unwrap();
        assert_eq!((repeated.version, repeated.proposal), (Some(1), None));
    }
    assert_eq!(town.audited().await.len(), rows + 2, "on record, as a repeat");
    assert_eq!(town.access.peers().book().await.unwrap().unwrap().entries().count(), 1);
    // A word that waits is not confirmed a day later.
    says(&town.access, &town.operator(), OTHER, 1, &other.statement(&town)).await.unwrap();
    town.clock.advance(Duration::hours(25));
    let first_again = says(&town.access, &second(), OTHER, 1, &other.statement(&town)).await.unwrap();
    assert!(first_again.proposal.is_some());
}

#[tokio::test]
async fn the_configuration_wins() {
    let town = Town::new();
    let far = Far::new(&town);
    let refused = says(&town.access, &town.operator(), PEER, 0, &far.statement(&town)).await;
    assert_eq!(code(refused.unwrap_err()), PeerConfigured);
    assert_eq!(code(withdraws(&town, PEER).await.unwrap_err()), PeerConfigured);
    both_say(&town, 0, &far.statement(&town)).await;

    // After a start with the same name, and another's login, in the configuration.
    let login = vec![far.login.certificate.clone()];
    let same = Peer::new(OTHER, "https://elsewhere.example", Vec::new(), Vec::new(), Vec::new());
    let thief = Peer::new("third.example", "https://third.example", Vec::new(), login, Vec::new());
    let opened = |configured: Vec<Peer>| {
        Peers::with_statements(configured, NODE, town.ledger.clone(), town.clock.clone(), Operators::default())
    };
    let fingerprint = far.login.certificate.fingerprint();
    let shadowed = opened(vec![same]);
    assert_eq!(shadowed.find(OTHER).await.unwrap().unwrap().url(), "https://elsewhere.example");
    assert_eq!(shadowed.by_login(&fingerprint).await.unwrap(), None, "nothing of what was stated of the name");
    assert_eq!(shadowed.names().await.unwrap().len(), 1);
    let stolen = opened(vec![thief]);
    assert_eq!(stolen.by_login(&fingerprint).await.unwrap().as_deref(), Some("third.example"));
    // It would hold again without the configuration's: unless it is withdrawn, which is possible all the while.
    let permit = town.access.decide::<SetPeer>(&town.operator(), name(OTHER)).await.unwrap();
    shadowed.withdraw(permit.clone()).await.unwrap();
    assert_eq!(code(shadowed.withdraw(permit).await.unwrap_err()), PeerConfigured);
    assert_eq!(opened(Vec::new()).find(OTHER).await.unwrap(), None);
}

#[tokio::test]
async fn what_cannot_be_is_not_stated() {
    let town = Town::new();
    let far = Far::new(&town);
    let (root, good) = (town.responder.pki.root().clone(), far.statement(&town));
    let [login, evidence] = [&far.login.certificate, &far.evidence.certificate];
    let encryption = town.issue(AGENCY, Usage::Encryption).certificate;
    let many: Vec<Certificate> = (0..5).map(|_| Far::new(&town).evidence.certificate).collect();
    let many: Vec<&Certificate> = many.iter().collect();
    let url = |url: &str| PeerStatement { url: url.to_owned(), ..good.clone() };
    let wrong = [
        url("http://a.example"),
        url("https://a.example/"),
        url("https://a.example/v1"),
        url("https://user@a.example"),
        url("https://a.example:0"),
        url("https://A.example"),
        url(&format!("https://{}.example", "a".repeat(300))),
        url(""),
        statement(&[], &[login], &[evidence]),
        statement(&[&root], &[], &[evidence]),
        statement(&[&root], &[login], &[]),
        statement(&[&root], &[login], &many),
        statement(&[login], &[login], &[evidence]),
        statement(&[&root], &[&root], &[evidence]),
        statement(&[&root], &[evidence], &[evidence]),
        statement(&[&root], &[login], &[&root]),
        statement(&[&root], &[login], &[&encryption]),
        statement(&[&root], &[login, login], &[evidence]),
        PeerStatement { login: vec!["***".to_owned()], ..good.clone() },
        PeerStatement { evidence: vec![STANDARD.encode(b"no certificate")], ..good.clone() },
    ];
    for wrong in wrong {
        let refused = Stated::check(&name(OTHER), &wrong);
        assert_eq!(code(refused.unwrap_err()), MalformedJson, "{wrong:?}");
    }
    // What only the node knows.
    let system = town.issue(AGENCY, Usage::TlsClient);
    let certificates = vec![certificate(CertificateUsage::Login, &system.certificate)];
    town.register(AGENCY, registration(&["chancellery"], certificates)).await.unwrap();
    for taken in [&town.operator.certificate, &system.certificate] {
        let stated = statement(&[&root], &[taken], &[evidence]);
        let refused = says(&town.access, &town.operator(), OTHER, 0, &stated).await;
        assert_eq!(code(refused.unwrap_err()), MalformedJson);
    }
    assert_eq!(code(says(&town.access, &second(), NODE, 0, &good).await.unwrap_err()), MalformedJson, "its own name");
    both_say(&town, 0, &good).await;
    let refused = says(&town.access, &town.operator(), "third.example", 0, &good).await;
    assert_eq!(code(refused.unwrap_err()), MalformedJson, "a login is one peer's");
    let permit = town.access.decide::<SetPeer>(&town.operator(), name("third.example")).await.unwrap();
    let other = Stated::check(&name(OTHER), &good).unwrap();
    assert_eq!(code(town.access.set_peer(permit, 1, other).await.unwrap_err()), MalformedJson, "a permit serves one");
    // Two certificates of one peer, while it changes from one to the other.
    let next = Far::new(&town);
    let (logins, evidences) = ([login, &next.login.certificate], [evidence, &next.evidence.certificate]);
    both_say(&town, 1, &statement(&[&root], &logins, &evidences)).await;
    for far in [&far, &next] {
        let actor = town.access.identify(&town.chain(&far.login)).await.unwrap();
        assert_eq!(actor.peer().map(|name| &**name), Some(OTHER));
    }
}

#[tokio::test]
async fn another_process_follows_within_a_second() {
    let town = Town::new();
    let (far, elsewhere) = (Far::new(&town), town.other_process());
    assert_eq!(elsewhere.peers().find(OTHER).await.unwrap(), None);
    both_say(&town, 0, &far.statement(&town)).await;
    town.clock.advance(Duration::seconds(1));
    assert!(elsewhere.peers().find(OTHER).await.unwrap().is_some());
    let actor = elsewhere.identify(&town.chain(&far.login)).await.unwrap();
    withdraws(&town, OTHER).await.unwrap();
    town.clock.advance(Duration::seconds(1));
    assert_eq!(elsewhere.still_is(&actor).await, Ok(false));
    assert_eq!(elsewhere.peers().find(OTHER).await.unwrap(), None);
}

#[tokio::test]
async fn two_certificates_of_one_operator_are_not_two_operators() {
    let town = Town::new();
    let of = |rnokpp: &str| {
        let usual = issue(&town.responder.pki, None, Usage::TlsClient, NOON + Duration::days(10));
        let profile = certs::dev::Profile {
            common_name: "Operator".to_owned(),
            organisation: None,
            edrpou: None,
            rnokpp: Some(rnokpp.to_owned()),
            usage: Usage::TlsClient,
            key: usual.certificate.public_key().unwrap().kind(),
            not_before: NOON - Duration::days(1),
            not_after: NOON + Duration::days(10),
            dns_names: Vec::new(),
        };
        town.responder.pki.issue(profile).unwrap().certificate
    };
    let certificates = [NUMBERS[0], NUMBERS[0], NUMBERS[1]].map(of);
    let operators = Operators::new(Some(&key()), &certificates);
    let peers = Peers::with_statements([], NODE, town.ledger.clone(), town.clock.clone(), operators.clone());
    let stated = Stated::check(&name(OTHER), &Far::new(&town).statement(&town)).unwrap();
    let word = async |operator: &Actor, replaces: u32| {
        let permit = town.access.decide::<SetPeer>(operator, name(OTHER)).await.unwrap();
        peers.set(&permit, replaces, &stated).await.map(|outcome| outcome.version).map_err(code)
    };
    let [first, again, other] = certificates.each_ref().map(|it| Actor::Operator { certificate: it.fingerprint() });
    assert_eq!(word(&first, 0).await, Ok(None));
    assert_eq!(word(&again, 0).await, Err(SameOperator));

    // Nor are a certificate of the configuration and a session of the same human being, whichever comes first.
    let people = crate::people::People::new(town.ledger.clone(), town.clock.clone(), Some(key()), operators);
    let registration =
        |rnokpp: &str| PersonRegistration { name: "Operator".to_owned(), rnokpp: Some(rnokpp.to_owned()), unzr: None };
    let enters = async |rnokpp: &str| {
        let permit = town.access.decide::<RegisterPerson>(&town.operator(), ()).await.unwrap();
        let id = people.register(permit, registration(rnokpp)).await.unwrap().id;
        let roles = [Role::NodeOperator].into_iter().collect();
        Actor::Person(Person { id, acting_for: None, roles, certificate: Some([3; 32]), stepped_up: true })
    };
    let (in_person, somebody) = (enters(NUMBERS[0]).await, enters(NUMBERS[2]).await);
    assert_eq!(word(&in_person, 0).await, Err(SameOperator));
    assert_eq!(word(&other, 0).await, Ok(Some(1)));
    peers.withdraw(town.access.decide::<SetPeer>(&other, name(OTHER)).await.unwrap()).await.unwrap();
    assert_eq!(word(&in_person, 2).await, Ok(None));
    for own in [&first, &again, &in_person] {
        assert_eq!(word(own, 2).await, Err(SameOperator), "{own:?}");
    }
    assert_eq!(word(&somebody, 2).await, Ok(Some(3)));
}

#[tokio::test]
async fn the_list_says_who_says_so_who_is_at_home_there_and_what_is_proposed() {
    let town = Town::new();
    let far = Far::new(&town);
    both_say(&town, 0, &far.statement(&town)).await;
    let area: AreaCode = "UA05020030000031457".parse().unwrap();
    let there = ParticipantRegistration {
        node: Some(OTHER.to_owned()),
        area: Some(area),
        ..registration(&["chancellery"], Vec::new())
    };
    town.register(ELSEWHERE, there).await.unwrap();
    says(&town.access, &town.operator(), "third.example", 0, &Far::new(&town).statement(&town)).await.unwrap();
    withdraws(&town, OTHER).await.unwrap();

    let permit = town.access.decide::<ReadPeers>(&second(), ()).await.unwrap();
    let told = town.access.list_peers(permit).await.unwrap();
    let [configured, stated] = &told.peers[..] else { panic!("{told:?}") };
    let shown = |peer: &schemas::peer::Peer| (peer.name.clone(), peer.source, peer.in_force, peer.version);
    assert_eq!(shown(configured), (PEER.to_owned(), PeerSource::Configuration, true, None));
    assert_eq!(shown(stated), (OTHER.to_owned(), PeerSource::Operators, false, Some(2)));
    assert_eq!(stated.identity, None, "withdrawn");
    let homed = &stated.participants;
    assert_eq!((homed.count, &homed.participants[..], &homed.areas[..]), (1, &[edrpou(ELSEWHERE)][..], &[area][..]));
    assert_eq!(configured.participants.count, 0);
    let [proposal] = &told.proposals[..] else { panic!("{told:?}") };
    assert!(proposal.subject.starts_with("third.example 0 "));
    assert!(town.audited().await.pop().unwrap().starts_with("peer.list "));

    both_say(&town, 2, &far.statement(&town)).await;
    let permit = town.access.decide::<ReadPeers>(&second(), ()).await.unwrap();
    let told = town.access.list_peers(permit).await.unwrap();
    let identity = told.peers[1].identity.clone().unwrap();
    assert_eq!(identity.login[0].sha256, far.login.certificate.fingerprint().into());
    assert_eq!(identity.evidence[0].sha256, far.evidence.certificate.fingerprint().into());
    assert_eq!(identity.authorities.len(), 1);
}
