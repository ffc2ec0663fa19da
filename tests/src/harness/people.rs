//! People with their keys, and what they do at the portals: a page of a portal with what a browser keeps and sends of it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs::dev::{Identity, Profile, Usage};
use crypto::dstu4145;
use crypto::key::{Curve, KeyKind};
use gateway::config::PortalConfig;
use schemas::access::{Portal, Role};
use schemas::directory::{PersonRegistration, RoleAssignment, RoleGrant};
use schemas::session::{Deed, LoginChallenge, SessionView};
use schemas::{Edrpou, PersonId};
use serde_json::{Value, json};
use signing::cades::{self, Content};
use time::Duration;

use super::agency::Agency;
use super::ground::Ground;
use super::region::Region;
use super::wire::{Answer, Request, Wire};

/// The origin of the portal of officials.
pub const OFFICE: &str = "https://office.example";

/// The origin of the portal of applicants.
pub const CABINET: &str = "https://cabinet.example";

/// The key of a certificate of DSTU 4145, as people in Ukraine hold them.
pub const DSTU: KeyKind = KeyKind::Dstu4145(dstu4145::Curve::M257);

/// Somebody in the directory of people, with their certificate.
pub struct Person {
    /// Who they are in the directory.
    pub id: PersonId,
    /// Their РНОКПП: fictitious, and nobody else's in this process.
    pub rnokpp: String,
    /// They sign with this.
    pub signer: Identity,
}

/// A РНОКПП that is nobody's and that nothing else in this process has.
#[must_use]
pub fn fresh_number() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let digits = format!("{:09}", NEXT.fetch_add(1, Ordering::Relaxed));
    let weights = [-1, 5, 7, 9, 4, 6, 10, 5, 7];
    let sum: i32 = digits.bytes().zip(weights).map(|(digit, weight)| i32::from(digit - b'0') * weight).sum();
    format!("{digits}{}", sum.rem_euclid(11) % 10)
}

/// The origin of a portal.
#[must_use]
pub fn origin(portal: Portal) -> &'static str {
    match portal {
        Portal::Internal => OFFICE,
        Portal::External => CABINET,
    }
}

impl Ground {
    /// Gives the node both portals, on free ports.
    pub fn opens_portals(&mut self) {
        let portal = |origin: &str| {
            let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            Some(PortalConfig { origin: origin.to_owned(), listen })
        };
        let portals = &mut self.config.portals;
        (portals.internal, portals.external) = (portal(OFFICE), portal(CABINET));
    }

    /// A certificate of a person, who signs for `of`, or for themselves alone.
    ///
    /// # Panics
    /// Where the key cannot be made.
    #[must_use]
    pub fn issues_to_person(&self, rnokpp: &str, of: Option<Edrpou>, key: KeyKind) -> Identity {
        let now = self.clock.now();
        let profile = Profile {
            common_name: format!("Person {rnokpp}"),
            organisation: of.map(|edrpou| format!("Organisation {edrpou}")),
            edrpou: of.map(|edrpou| edrpou.to_string()),
            rnokpp: Some(rnokpp.to_owned()),
            usage: Usage::Signing,
            key,
            not_before: now - Duration::days(1),
            not_after: now + Duration::days(20),
            dns_names: Vec::new(),
        };
        self.site.pki().issue(profile).expect("a key and a certificate")
    }
}

impl Region {
    /// Enters somebody into the directory; their certificate names `of` as their organisation.
    ///
    /// # Panics
    /// Where the node refuses.
    pub async fn enters_person(&self, of: Option<&Agency>) -> Person {
        self.enters_person_with(of, KeyKind::Ec(Curve::P256)).await
    }

    /// The same, with a key of this kind.
    ///
    /// # Panics
    /// Where the node refuses.
    pub async fn enters_person_with(&self, of: Option<&Agency>, key: KeyKind) -> Person {
        let rnokpp = fresh_number();
        let registration =
            PersonRegistration { name: "Особа".to_owned(), rnokpp: Some(rnokpp.clone()), unzr: None };
        let id = self.operator.register_person(&registration).await.expect("a person").id;
        let signer = self.ground.issues_to_person(&rnokpp, of.map(Agency::edrpou), key);
        Person { id, rnokpp, signer }
    }

    /// Somebody who is entrusted with one role: by an operator, or by two where it takes two.
    ///
    /// # Panics
    /// Where the node refuses.
    pub async fn official(&self, role: Role, within: &Agency) -> Person {
        let within = (!role.is_of_node()).then_some(within);
        let person = self.enters_person(within).await;
        self.entrusts(person.id, role, within).await;
        person
    }

    /// Entrusts somebody with a role: by an operator, or by two where it takes two.
    ///
    /// # Panics
    /// Where the node refuses.
    pub async fn entrusts(&self, person: PersonId, role: Role, within: Option<&Agency>) -> RoleAssignment {
        let grant = RoleGrant { role, participant: within.map(Agency::edrpou), valid_from: None, valid_until: None };
        let outcome = self.operator.grant_role(person, &grant).await.expect("a role, or a proposal");
        if let Some(assignment) = outcome.assignment {
            return assignment;
        }
        let (base, site) = (self.ground.base(), &self.ground.site);
        let second = site.client(&base, site.second_operator()).expect("the second operator's keys");
        let outcome = second.grant_role(person, &grant).await.expect("what two operators say");
        outcome.assignment.expect("a role that two operators entrust")
    }

    /// A page of a portal, as somebody sees it who has not logged in.
    ///
    /// # Panics
    /// Where the node has no such portal.
    #[must_use]
    pub fn page(&self, portal: Portal) -> Page {
        let portals = &self.ground.config.portals;
        let config = match portal {
            Portal::Internal => portals.internal.as_ref(),
            Portal::External => portals.external.as_ref(),
        };
        let address = config.expect("the node has portals: Ground::opens_portals").listen;
        Page {
            wire: Wire::new(self.ground.site.pki(), None, address),
            portal,
            origin: Some(origin(portal).to_owned()),
            site: Some("same-origin".to_owned()),
            cookie: None,
            csrf: None,
        }
    }

    /// Asks for a challenge at a page and signs it: what is handed in for a login, or to confirm a deed.
    ///
    /// # Panics
    /// Where the node gives no challenge.
    pub async fn answers_challenge(&self, page: &Page, deed: Option<Deed>, signer: &Identity) -> Value {
        let LoginChallenge { challenge, .. } = page.asks_for_challenge(deed).await.json();
        json!({ "challenge": challenge, "signature": self.signs_text(&challenge, signer) })
    }

    /// A CAdES signature over a text, with the text inside, in base64.
    ///
    /// # Panics
    /// Where it cannot be made.
    #[must_use]
    pub fn signs_text(&self, text: &str, signer: &Identity) -> String {
        let chain = [signer.certificate.clone(), self.ground.site.pki().issuing_ca().clone()];
        let (key, content) = (&signer.key, Content::Attached(text.as_bytes()));
        let signature = cades::sign(content, key, key.default_algorithm(), &chain, self.ground.clock.now());
        STANDARD.encode(signature.expect("a software key signs"))
    }

    /// Tries to log in at a page.
    ///
    /// # Panics
    /// Where the node gives no challenge.
    pub async fn tries_login(&self, page: &Page, signer: &Identity) -> Answer {
        let answer = self.answers_challenge(page, None, signer).await;
        page.posts("/v1/logins", &answer).await
    }

    /// Logs in at a portal.
    ///
    /// # Panics
    /// Where the node does not let them in.
    pub async fn logs_in(&self, portal: Portal, person: &Person) -> Page {
        let page = self.page(portal);
        let answer = self.tries_login(&page, &person.signer).await;
        assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
        page.with_session(&answer)
    }

    /// Confirms a deed with a fresh signature, at the page of their session.
    ///
    /// # Panics
    /// Where the node refuses.
    pub async fn confirms(&self, page: &Page, person: &Person, deed: Deed) {
        let answer = self.tries_to_confirm(page, &person.signer, deed).await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    }

    /// Tries to.
    ///
    /// # Panics
    /// Where the node gives no challenge.
    pub async fn tries_to_confirm(&self, page: &Page, signer: &Identity, deed: Deed) -> Answer {
        let answer = self.answers_challenge(page, Some(deed), signer).await;
        page.posts("/v1/session/step-up", &answer).await
    }
}

/// A page of a portal: what a browser keeps of it, and sends.
#[derive(Clone)]
pub struct Page {
    /// The connection that its requests go over; each over one of its own.
    pub wire: Wire,
    /// At which portal.
    pub portal: Portal,
    /// `Origin`, of what may change something.
    pub origin: Option<String>,
    /// `Sec-Fetch-Site`.
    pub site: Option<String>,
    /// `Cookie`.
    pub cookie: Option<String>,
    /// `Vuzol-Csrf`, of what may change something.
    pub csrf: Option<String>,
}

impl Page {
    /// The page after a login that was answered so: its cookie is kept, its CSRF token read.
    ///
    /// # Panics
    /// Where the answer sets no cookie, or is no view of a session.
    #[must_use]
    pub fn with_session(&self, answer: &Answer) -> Self {
        let set = answer.header("set-cookie").expect("a cookie");
        let cookie = set.split(';').next().map(str::to_owned);
        let view: SessionView = answer.json();
        Self { cookie, csrf: Some(view.csrf_token), ..self.clone() }
    }

    /// The value of the session's cookie.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn cookie_value(&self) -> &str {
        let (_, value) = self.cookie.as_deref().and_then(|cookie| cookie.split_once('=')).expect("a session's cookie");
        value
    }

    /// The request with what a browser adds to it.
    #[must_use]
    pub fn dressed(&self, request: &Request) -> Request {
        let mut request = request.clone();
        let safe = request.is_safe();
        for (name, value, always) in [
            ("cookie", &self.cookie, true),
            ("sec-fetch-site", &self.site, true),
            ("origin", &self.origin, false),
            ("vuzol-csrf", &self.csrf, false),
        ] {
            if let Some(value) = value.as_ref().filter(|_| always || !safe) {
                request = request.header(name, value);
            }
        }
        request
    }

    /// Sends a request as a script of the page does.
    pub async fn asks(&self, request: &Request) -> Answer {
        self.wire.asks(&self.dressed(request)).await
    }

    /// A `GET`.
    pub async fn gets(&self, target: &str) -> Answer {
        self.asks(&Request::get(target)).await
    }

    /// A `POST` of JSON.
    pub async fn posts(&self, target: &str, body: &Value) -> Answer {
        self.sends("POST", target, body).await
    }

    /// JSON by any method.
    pub async fn sends(&self, method: &str, target: &str, body: &Value) -> Answer {
        self.asks(&Request::new(method, target).body("application/json", body.to_string())).await
    }

    /// A request without a body.
    pub async fn does(&self, method: &str, target: &str) -> Answer {
        self.asks(&Request::new(method, target)).await
    }

    /// Asks for a text to be signed.
    pub async fn asks_for_challenge(&self, deed: Option<Deed>) -> Answer {
        let body = deed.map_or_else(|| json!({}), |deed| json!({ "deed": deed }));
        // A login speaks for no session.
        let page = if deed.is_some() { self.clone() } else { Self { csrf: None, ..self.clone() } };
        page.posts("/v1/logins/challenges", &body).await
    }

    /// The session, as its person sees it.
    ///
    /// # Panics
    /// Where there is none.
    pub async fn session(&self) -> SessionView {
        self.gets("/v1/session").await.json()
    }
}
