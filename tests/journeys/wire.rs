//! The wire as it is: one answer of every operation, with what differs from run to run replaced by its kind. A change of
//! a shape, a status or a header shows here, and a client that was written against version 1 would notice it too.

use std::fmt::Write as _;

use exchange::export::MEDIA_TYPE;
use gateway::config::ClassConfig;
use serde_json::Value;
use tests::harness::agency::statement;
use tests::harness::{Answer, Form, Region, Request, Wire, pdf};

/// What was said, in the order in which it was said.
#[derive(Default)]
struct Transcript(String);

impl Transcript {
    async fn ask(&mut self, who: &Wire, what: &str, request: &Request) -> Answer {
        let answer = who.asks(request).await;
        let _ = writeln!(self.0, "## {what}\n{}", answer.status);
        let mut headers: Vec<String> = answer
            .headers
            .iter()
            .filter(|(name, _)| !["date", "content-length", "connection"].contains(&name.as_str()))
            .map(|(name, value)| format!("{name}: {}", kind_of(value)))
            .collect();
        headers.sort();
        let _ = writeln!(self.0, "{}", headers.join("\n"));
        let _ = writeln!(self.0, "\n{}\n", shape(&answer));
        answer
    }
}

fn shape(answer: &Answer) -> String {
    if [Some("application/octet-stream"), Some(MEDIA_TYPE)].contains(&answer.header("content-type")) {
        return "(bytes)".to_owned();
    }
    match serde_json::from_slice::<Value>(&answer.body) {
        Ok(mut json) => {
            generalise(&mut json);
            serde_json::to_string_pretty(&json).expect("JSON")
        }
        Err(_) if answer.body.is_empty() => "(no content)".to_owned(),
        Err(_) => kind_of(String::from_utf8_lossy(&answer.body).trim_end()),
    }
}

fn generalise(json: &mut Value) {
    match json {
        Value::Object(fields) => {
            for (name, value) in fields {
                // A DER signature is a byte or two longer or shorter each time.
                if name.ends_with("size") { *value = "(bytes)".into() } else { generalise(value) }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(generalise),
        Value::String(text) => *text = kind_of(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Texts that are the same in every run stay; of others the kind.
fn kind_of(text: &str) -> String {
    let is_uuid = |t: &str| t.len() == 36 && t.bytes().filter(|b| *b == b'-').count() == 4;
    let is_base64 = |t: &str| t.len() > 80 && t.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=-_".contains(&b));
    let bare = text.trim_matches('"');
    let kind = if text.starts_with("c2sp.org/tlog-proof@v1\n") {
        "(tlog-proof)"
    } else if text.starts_with("operator:") {
        "(operator)"
    } else if text.contains("\n\n\u{2014} ") {
        "(signed note)"
    } else if bare.len() == 64 && bare.bytes().all(|b| b.is_ascii_hexdigit()) {
        "(SHA-256)"
    } else if text.split('.').count() == 3 && text.starts_with("eyJ") {
        "(JWS)"
    } else if is_base64(text) {
        "(base64)"
    } else if text.len() >= 20 && text.ends_with('Z') && text.as_bytes()[10] == b'T' {
        "(time)"
    } else if text.starts_with("attachment; filename=\"case-") {
        "attachment; filename=\"case-(id).asice\""
    } else if text.strip_prefix("urn:uuid:").is_some_and(is_uuid) {
        "urn:uuid:(id)"
    } else if is_uuid(text) {
        "(id)"
    } else {
        text
    };
    kind.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_answers_as_version_1_does() {
    let region = Region::start_with(|ground| {
        let day = ClassConfig { days: Some(1), permanent: false };
        ground.config.retention.classes.insert("standard".to_owned(), day);
    })
    .await;
    let (a, b) = (region.wire(Some(region.a.login())), region.wire(Some(region.b.login())));
    let operator = region.wire(Some(region.ground.site.operator()));
    let mut said = Transcript::default();

    let envelope = serde_json::to_vec(&region.a.envelope(&region.b.mailbox())).expect("JSON");
    let letter = pdf("letter");
    let submission = Form::submission(&envelope, &region.a.signs(&letter), &letter).request("key");
    let receipt = said.ask(&a, "POST /v1/submissions", &submission).await.json::<Value>();
    said.ask(&a, "POST /v1/submissions, again", &submission).await;
    let message = receipt["message_id"].as_str().expect("an id").to_owned();
    let lease = region.b.awaits(1).await.expect("a lease");
    said.ask(&b, "GET /v1/messages/{message}", &Request::get(&format!("/v1/messages/{message}"))).await;

    let part = Request::get(&format!("/v1/messages/{message}/parts/0")).header("vuzol-lease", lease.token);
    said.ask(&b, "GET /v1/messages/{message}/parts/{part}, a range", &part.clone().header("range", "bytes=0-9")).await;
    said.ask(&b, "GET /v1/messages/{message}/parts/{part}", &part).await;
    let signed = region.b.states(&statement(message.parse().expect("an id"), &letter, None));
    let acknowledgement = Request::post(&format!("/v1/messages/{message}/acknowledgement"))
        .header("vuzol-lease", lease.token)
        .body("application/pkcs7-mime", signed);
    said.ask(&b, "POST /v1/messages/{message}/acknowledgement", &acknowledgement).await;

    let mailbox = region.b.mailbox();
    let listing = Request::get(&format!("/v1/mailboxes/{mailbox}/messages?limit=1"));
    said.ask(&b, "GET /v1/mailboxes/{mailbox}/messages", &listing).await;
    region.a.submits(pdf("second")).to(&mailbox).await.expect("a receipt");
    let leasing = Request::post(&format!("/v1/mailboxes/{mailbox}/leases"))
        .body("application/json", r#"{"max_messages":1,"seconds":60}"#);
    region.consigns_all(&region.b).await;
    said.ask(&b, "POST /v1/mailboxes/{mailbox}/leases", &leasing).await;
    let case = receipt["case_id"].as_str().expect("an id");
    said.ask(&a, "GET /v1/cases/{case}/events", &Request::get(&format!("/v1/cases/{case}/events"))).await;
    said.ask(&a, "GET /v1/cases/{case}/export", &Request::get(&format!("/v1/cases/{case}/export"))).await;

    said.ask(&a, "GET /v1/participants", &Request::get("/v1/participants")).await;
    let registration = serde_json::to_vec(&region.c.registration()).expect("JSON");
    let target = format!("/v1/participants/{}", region.c.edrpou());
    let registering = Request::new("PUT", &target).body("application/json", registration);
    said.ask(&operator, "PUT /v1/participants/{edrpou}", &registering).await;
    let channel = format!(r#"{{"sender":"{}","recipient":"{mailbox}","kinds":["letter"]}}"#, region.a.edrpou());
    let opening = Request::new("PUT", "/v1/channels").body("application/json", channel);
    said.ask(&operator, "PUT /v1/channels", &opening).await;

    let address = format!(r#"{{"service":"subsidy","area":"UA05020030000031457","mailbox":"{mailbox}"}}"#);
    let addressing = Request::new("PUT", "/v1/addresses").body("application/json", address);
    said.ask(&operator, "PUT /v1/addresses", &addressing).await;
    let resolving = Request::get("/v1/addresses?service=subsidy&area=UA05020030010063857");
    said.ask(&a, "GET /v1/addresses", &resolving).await;
    let removing = Request::new("DELETE", "/v1/addresses?service=subsidy&area=UA05020030000031457");
    said.ask(&operator, "DELETE /v1/addresses", &removing).await;
    let asking = Request::get(&format!("/v1/capabilities?recipient={mailbox}&kind=letter&bytes=1000"));
    said.ask(&a, "GET /v1/capabilities", &asking).await;
    let suspension = format!(r#"{{"address":"{mailbox}","suspended":true}}"#);
    let suspending = Request::new("PUT", "/v1/suspensions").body("application/json", suspension);
    said.ask(&operator, "PUT /v1/suspensions", &suspending).await;
    said.ask(&a, "GET /v1/capabilities, suspended", &asking).await;

    let event = receipt["event_id"].as_str().expect("an id");
    region.proves(&region.a, event.parse().expect("an id")).await;
    said.ask(&a, "GET /v1/log/proofs/{event}", &Request::get(&format!("/v1/log/proofs/{event}"))).await;
    said.ask(&a, "GET /v1/log/checkpoint", &Request::get("/v1/log/checkpoint")).await;
    said.ask(&a, "GET /v1/log/tile/{path}", &Request::get("/v1/log/tile/entries/000.p/1")).await;
    said.ask(&a, "a problem", &Request::get("/v1/messages/7")).await;
    retention(&region, &operator, &message, &mut said).await;

    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, { insta::assert_snapshot!("v1", said.0) });
}

async fn retention(region: &Region, operator: &Wire, message: &str, said: &mut Transcript) {
    let json = |target: &str, body: &str| Request::post(target).body("application/json", body.to_owned());
    let holding = json("/v1/holds", &format!(r#"{{"subject":{{"message":"{message}"}},"reason":"ruling 757/1/26"}}"#));
    let hold = said.ask(operator, "POST /v1/holds", &holding).await.json::<Value>();
    said.ask(operator, "GET /v1/holds", &Request::get("/v1/holds")).await;
    region.time_passes(time::Duration::days(1));
    said.ask(operator, "GET /v1/retention/due", &Request::get("/v1/retention/due")).await;
    let lift = format!("/v1/holds/{}/lift", hold["hold_id"].as_str().expect("an id"));
    said.ask(operator, "POST /v1/holds/{hold}/lift", &json(&lift, r#"{"reason":"the case is closed"}"#)).await;
    let member = |name: &str| serde_json::json!({ "name": name, "position": "clerk", "word": "agreed" });
    let act = serde_json::json!({
        "number": "1/26", "date": "2026-11-26", "class": "standard", "ground": "article 6",
        "commission": [member("one"), member("two")],
    });
    let drawing = json("/v1/disposal-acts", &act.to_string());
    let act = said.ask(operator, "POST /v1/disposal-acts", &drawing).await.json::<Value>();
    said.ask(operator, "GET /v1/disposal-acts", &Request::get("/v1/disposal-acts")).await;
    let target = format!("/v1/disposal-acts/{}", act["act_id"].as_str().expect("an id"));
    said.ask(operator, "GET /v1/disposal-acts/{act}", &Request::get(&target)).await;
    said.ask(operator, "DELETE /v1/disposal-acts/{act}", &Request::new("DELETE", &target)).await;
}
