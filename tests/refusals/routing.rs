//! What must be refused around the registry: to whom nothing goes, what cannot be stated, who may not state it.

use schemas::registry::{ChannelPolicy, ParticipantRegistration, Reception};
use schemas::routing::Suspension;
use serde_json::{Value, json};
use tests::harness::agency::fresh_key;
use tests::harness::{Answer, Form, Region, Request, pdf};

use crate::case::{Case, case, nothing_is_stored, play};

async fn ask(region: &Region, request: &Request) -> Answer {
    region.wire(Some(region.a.login())).asks(request).await
}

async fn operate(region: &Region, request: &Request) -> Answer {
    region.wire(Some(region.ground.site.operator())).asks(request).await
}

fn put(target: &str, body: &Value) -> Request {
    Request::new("PUT", target).body("application/json", body.to_string())
}

/// A letter from A to C, signed as it must be.
async fn letter(region: &Region) -> Answer {
    let envelope = serde_json::to_vec(&region.a.envelope(&region.c.mailbox())).expect("JSON");
    let form = Form::submission(&envelope, &region.a.signs(&pdf("letter")), &pdf("letter"));
    ask(region, &form.request(&fresh_key())).await
}

async fn suspended(region: &Region, address: &str, suspended: bool) {
    let address = address.parse().expect("an address");
    region.operator.set_suspension(&Suspension { address, suspended }).await.expect("a suspension");
}

/// A request that an operator is refused.
fn channel(region: &Region, policy: &Value) -> Request {
    let (sender, recipient) = (region.a.edrpou(), region.b.mailbox());
    put("/v1/channels", &json!({ "sender": sender, "recipient": recipient, "kinds": ["letter"], "policy": policy }))
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = recipients();
    cases.extend(statements());
    cases.extend(questions());
    cases
}

fn recipients() -> Vec<Case> {
    vec![
        case!("a letter to a suspended mailbox", 409 RecipientSuspended, |r| {
            suspended(r, &r.c.mailbox().to_string(), true).await;
            let answer = letter(r).await;
            suspended(r, &r.c.mailbox().to_string(), false).await;
            answer
        }),
        case!("a letter to a suspended participant", 409 RecipientSuspended, |r| {
            suspended(r, r.c.edrpou().as_str(), true).await;
            let answer = letter(r).await;
            suspended(r, r.c.edrpou().as_str(), false).await;
            answer
        }),
        case!("a letter to who takes reports only", 422 RecipientTakesOtherKinds, |r| {
            let reception = Reception { kinds: vec!["report".parse().expect("a kind")], ..Reception::default() };
            let registration = ParticipantRegistration { reception, ..r.c.registration() };
            r.operator.register(r.c.edrpou(), &registration).await.expect("a registration");
            let answer = letter(r).await;
            r.operator.register(r.c.edrpou(), &r.c.registration()).await.expect("a registration");
            answer
        }),
    ]
}

fn statements() -> Vec<Case> {
    vec![
        case!("a participant says where a service goes", 403 ActionForbidden, |r| {
            let address = json!({ "service": "subsidy", "mailbox": r.a.mailbox() });
            ask(r, &put("/v1/addresses", &address)).await
        }),
        case!("a participant takes back where a service goes", 403 ActionForbidden, |r| {
            ask(r, &Request::new("DELETE", "/v1/addresses?service=subsidy")).await
        }),
        case!("a participant suspends another", 403 ActionForbidden, |r| {
            ask(r, &put("/v1/suspensions", &json!({ "address": r.b.edrpou(), "suspended": true }))).await
        }),
        case!("a service goes to a mailbox that is not there", 422 UnknownRecipient, |r| {
            let address = json!({ "service": "subsidy", "mailbox": "99999999.nobody" });
            operate(r, &put("/v1/addresses", &address)).await
        }),
        case!("a suspension of nobody", 422 UnknownRecipient, |r| {
            operate(r, &put("/v1/suspensions", &json!({ "address": "99999999", "suspended": true }))).await
        }),
        case!("another node, stated to one that has no login at others", 501 PeerWithoutLogin, |r| {
            let statement = json!({ "url": "https://a.example", "authorities": [], "login": [], "evidence": [] });
            operate(r, &put("/v1/peers/a.example", &json!({ "replaces": 0, "statement": statement }))).await
        }),
        case!("another node by a name that is none", 400 MalformedId, |r| {
            operate(r, &Request::new("DELETE", "/v1/peers/a%2Fb")).await
        }),
        case!("withdrawing a node that nobody stated", 404 NotFound, |r| {
            operate(r, &Request::new("DELETE", "/v1/peers/a.example")).await
        }),
        case!("taking back what nobody said", 404 NotFound, |r| {
            operate(r, &Request::new("DELETE", "/v1/addresses?service=subsidy")).await
        }),
        case!("an area with a Cyrillic letter in it", 400 MalformedJson, |r| {
            let area = "U\u{410}05020030000031457";
            let address = json!({ "service": "subsidy", "area": area, "mailbox": r.b.mailbox() });
            operate(r, &put("/v1/addresses", &address)).await
        }),
        case!("a channel that holds submissions for ever", 400 MalformedJson, |r| {
            operate(r, &channel(r, &json!({ "hold_hours": 721 }))).await
        }),
        case!("a channel that demands metadata by a schema that nobody knows", 400 MalformedJson, |r| {
            operate(r, &channel(r, &json!({ "metadata_schema": "urn:vuzol:kind:letter:99" }))).await
        }),
        case!("a channel for documents larger than any", 400 MalformedJson, |r| {
            operate(r, &channel(r, &json!({ "maximum_bytes": 1_u64 << 32 }))).await
        }),
        case!("a channel under terms that nobody knows", 400 MalformedJson, |r| {
            operate(r, &channel(r, &json!({ "signature": "simple" }))).await
        }),
        case!("a participant that takes nothing", 400 MalformedJson, |r| {
            let mut registration = serde_json::to_value(r.b.registration()).expect("JSON");
            registration["reception"] = json!({ "maximum_bytes": 0 });
            operate(r, &put(&format!("/v1/participants/{}", r.b.edrpou()), &registration)).await
        }),
    ]
}

fn questions() -> Vec<Case> {
    vec![
        case!("an operator asks whether it could send", 403 ActionForbidden, |r| {
            let target = format!("/v1/capabilities?recipient={}&kind=letter", r.b.mailbox());
            operate(r, &Request::get(&target)).await
        }),
        case!("a question without a recipient", 400 MalformedQuery, |r| {
            ask(r, &Request::get("/v1/capabilities?kind=letter")).await
        }),
        case!("a question about less than nothing", 400 MalformedQuery, |r| {
            let target = format!("/v1/capabilities?recipient={}&kind=letter&bytes=-1", r.b.mailbox());
            ask(r, &Request::get(&target)).await
        }),
        case!("a service that goes nowhere", 404 NotFound, |r| {
            ask(r, &Request::get("/v1/addresses?service=unheard-of&area=UA05020030000031457")).await
        }),
        case!("a service without a name", 400 MalformedQuery, |r| ask(r, &Request::get("/v1/addresses")).await),
        case!("an area in small letters", 400 MalformedQuery, |r| {
            ask(r, &Request::get("/v1/participants?area=ua05020030000031457")).await
        }),
        case!("a page of a thousand", 400 MalformedQuery, |r| ask(r, &Request::get("/v1/participants?limit=1000")).await),
        case!("a search longer than any name", 400 MalformedQuery, |r| {
            ask(r, &Request::get(&format!("/v1/participants?query={}", "a".repeat(401)))).await
        }),
        case!("a capability that is none", 400 MalformedQuery, |r| {
            ask(r, &Request::get("/v1/participants?capability=fly")).await
        }),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_routed_is_refused() {
    let region = Region::start().await;
    play(&region, &cases()).await;
    nothing_is_stored(&region).await;
    // Nothing of all that stays: the channel carries letters as before.
    assert_eq!(letter(&region).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_beforehand_is_answered_as_the_submission_would_be() {
    let region = Region::start().await;
    let asked = async |agency: &tests::harness::Agency, query: String| {
        let answer = region.wire(Some(agency.login())).asks(&Request::get(&format!("/v1/capabilities?{query}"))).await;
        assert_eq!(answer.status, 200);
        answer.json::<Value>()
    };
    let to_c = format!("recipient={}&kind=letter", region.c.mailbox());
    let answer = asked(&region.a, format!("{to_c}&bytes=2147483648")).await;
    assert_eq!((&answer["deliverable"], &answer["reasons"]), (&json!(true), &json!([])));
    assert_eq!(answer["encryption"]["key"], "ecdh");
    assert_eq!(answer["policy"], serde_json::to_value(ChannelPolicy::default()).expect("JSON"));
    // B may send nothing to C. It learns that, and nothing more; no more than of a mailbox that is not there.
    for (query, code) in [
        (to_c.clone(), "access.channel_not_allowed"),
        ("recipient=99999999.nobody&kind=letter".to_owned(), "submission.unknown_recipient"),
    ] {
        let answer = asked(&region.b, query).await;
        let told: Vec<&String> = answer.as_object().expect("an object").keys().collect();
        assert_eq!(told, ["deliverable", "reasons", "recipient"]);
        assert_eq!((&answer["deliverable"], &answer["reasons"]), (&json!(false), &json!([code])));
    }
    suspended(&region, region.c.edrpou().as_str(), true).await;
    let answer = asked(&region.a, to_c.clone()).await;
    assert_eq!(answer["reasons"], json!([letter(&region).await.problem().code]));
    suspended(&region, region.c.edrpou().as_str(), false).await;
    let mut registration = region.c.registration();
    registration.certificates.retain(|c| c.usage == schemas::registry::CertificateUsage::Login);
    region.operator.register(region.c.edrpou(), &registration).await.expect("a registration");
    let answer = asked(&region.a, to_c).await;
    assert_eq!(answer["reasons"], json!([letter(&region).await.problem().code]));
}
