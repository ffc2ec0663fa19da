//! What must be refused around applications: systems and operators have no part in what people keep at the node.

use serde_json::json;
use tests::harness::{Answer, Region, Request};

use crate::case::{Case, case, nothing_is_stored, play};

const NOTHING: &str = "01938f6e-3c00-7abc-8def-0123456789ab";

async fn ask(region: &Region, request: &Request) -> Answer {
    region.wire(Some(region.a.login())).asks(request).await
}

async fn operate(region: &Region, request: &Request) -> Answer {
    region.wire(Some(region.ground.site.operator())).asks(request).await
}

fn store() -> Request {
    Request::new("POST", "/v1/copies?kind=passport").body("application/octet-stream", "sealed")
}

fn apply(region: &Region) -> Request {
    let request = json!({ "centre": region.b.edrpou(), "service": "subsidy" });
    Request::new("POST", "/v1/applications").body("application/json", request.to_string())
}

const REASON: &str = "The court demands the papers of the case.";

/// Access to the copies of nobody.
fn break_glass() -> Request {
    let opens = json!({ "kind": "person", "person": NOTHING });
    let request = json!({ "opens": opens, "ground": "legal_duty", "reason": REASON });
    Request::new("POST", "/v1/break-glass").body("application/json", request.to_string())
}

/// A look at a copy that is not there.
fn look() -> Request {
    Request::get(&format!("/v1/applications/{NOTHING}/copies/{NOTHING}"))
}

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case!("a system that keeps a copy", 403 ActionForbidden, |r| ask(r, &store()).await),
        case!("an operator who keeps a copy", 403 ActionForbidden, |r| operate(r, &store()).await),
        case!("a system with a file of its own", 403 ActionForbidden, |r| ask(r, &Request::get("/v1/copies")).await),
        case!("a system that applies for a service", 403 ActionForbidden, |r| ask(r, &apply(r)).await),
        case!("a system that lists applications", 403 ActionForbidden, |r| {
            ask(r, &Request::get("/v1/applications")).await
        }),
        case!("an operator who lists applications", 403 ActionForbidden, |r| {
            operate(r, &Request::get("/v1/applications")).await
        }),
        case!("an operator who asks for looks", 403 ActionForbidden, |r| operate(r, &Request::get("/v1/looks")).await),
        case!("a look at nothing", 404 NotFound, |r| ask(r, &look().header("vuzol-purpose", "court.request")).await),
        case!("a look for a purpose that is none", 422 PurposeUnknown, |r| {
            ask(r, &look().header("vuzol-purpose", "curiosity")).await
        }),
        case!("a look for two purposes", 400 RepeatedHeader, |r| {
            let twice = look().header("vuzol-purpose", "court.request").header("vuzol-purpose", "subject.request");
            ask(r, &twice).await
        }),
        case!("a look that is taken back", 405 MethodNotAllowed, |r| {
            ask(r, &Request::new("DELETE", "/v1/looks")).await
        }),
        case!("a system that opens break-glass access to nobody", 404 NotFound, |r| ask(r, &break_glass()).await),
        case!("an operator who opens break-glass access", 404 NotFound, |r| operate(r, &break_glass()).await),
        case!("break-glass access to everything", 400 MalformedJson, |r| {
            let everything = json!({ "opens": { "kind": "everything" }, "ground": "legal_duty", "reason": REASON });
            ask(r, &Request::new("POST", "/v1/break-glass").body("application/json", everything.to_string())).await
        }),
        case!("a system that lists break-glass accesses", 403 ActionForbidden, |r| {
            ask(r, &Request::get("/v1/break-glass")).await
        }),
        case!("an operator who lists break-glass accesses", 403 ActionForbidden, |r| {
            operate(r, &Request::get("/v1/break-glass?all=true")).await
        }),
        case!("an operator who looks through a glass that is none", 404 NotFound, |r| {
            operate(r, &Request::get(&format!("/v1/break-glass/{NOTHING}/copies/{NOTHING}"))).await
        }),
        case!("a page that is none", 400 MalformedQuery, |r| ask(r, &Request::get("/v1/looks?limit=0")).await),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_keep_is_nobodys_who_is_no_person() {
    let region = Region::start().await;
    play(&region, &cases()).await;
    nothing_is_stored(&region).await;
}
