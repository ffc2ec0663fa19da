//! What must be refused of subscriptions.

use serde_json::{Value, json};
use tests::harness::{Agency, Answer, Region, Request};

use crate::case::{Case, case, nothing_is_stored, play};

async fn put(region: &Region, agency: &Agency, body: &Value) -> Answer {
    let target = format!("/v1/subscriptions/{}", region.b.mailbox());
    let request = Request::new("PUT", &target).body("application/json", body.to_string());
    region.wire(Some(agency.login())).asks(&request).await
}

async fn ask(region: &Region, method: &str) -> Answer {
    let target = format!("/v1/subscriptions/{}", region.b.mailbox());
    region.wire(Some(region.b.login())).asks(&Request::new(method, &target)).await
}

fn to(url: &str) -> Value {
    json!({ "url": url, "events": ["consigned"] })
}

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case!("a subscription to somebody else's mailbox", 404 NotFound, |r| {
            put(r, &r.a, &to("https://agency.example/")).await
        }),
        case!("notices to the node's own network", 422 WebhookNotAllowed, |r| {
            put(r, &r.b, &to("https://169.254.169.254/latest")).await
        }),
        case!("notices in the clear", 422 WebhookNotAllowed, |r| put(r, &r.b, &to("http://agency.example/")).await),
        case!("notices with credentials", 422 WebhookNotAllowed, |r| {
            put(r, &r.b, &to("https://me:word@agency.example/")).await
        }),
        case!("notices to a service that is none of theirs", 422 WebhookNotAllowed, |r| {
            put(r, &r.b, &to("https://agency.example:25/")).await
        }),
        case!("notices of a node that posts none", 422 WebhooksNotOffered, |r| {
            put(r, &r.b, &to("https://agency.example/")).await
        }),
        case!("notices of nothing", 400 MalformedJson, |r| {
            put(r, &r.b, &json!({ "url": "https://agency.example/", "events": [] })).await
        }),
        case!("notices of what nobody knows", 400 MalformedJson, |r| {
            put(r, &r.b, &json!({ "url": "https://agency.example/", "events": ["read"] })).await
        }),
        case!("a subscription that is not there", 404 NotFound, |r| ask(r, "GET").await),
        case!("taking back a subscription that is not there", 404 NotFound, |r| ask(r, "DELETE").await),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_may_subscribe_to_is_refused() {
    let region = Region::start().await;
    play(&region, &cases()).await;
    nothing_is_stored(&region).await;
}
