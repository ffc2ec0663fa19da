//! The operations: by which rule each is decided, about which things it can be asked, and how.
//!
//! A new operation is a line here: its identifier and method, the action of the matrix that decides it, the things that it is about (of one's
//! own; another's and none too, where a request names one), and a well-formed request.

use serde_json::{Value, json};
use tests::harness::agency::fresh_key;
use tests::harness::{Form, Request, pdf};

use super::scene::{Scene, Thing};
use super::who::Who;

/// By what an operation is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// An action of the matrix.
    Action(&'static str),
    /// The same, about the node where the matrix has it about a participant too.
    OfNode(&'static str),
    /// The same, about what is a person's own at the external portal, and another person's to officials.
    Owned(&'static str),
    /// The same, entrusting somebody else.
    Entrusts(&'static str),
    /// The same, taking a role back of which not everybody may know.
    TakesBack(&'static str),
    /// The same, of other nodes alone, whatever is asked.
    Peers(&'static str),
    /// The same, of people alone, whatever is asked.
    People(&'static str),
    /// The same, about what break-glass access would open.
    Opens(&'static str),
    /// The same, about an access that a security officer opened at one's own centre.
    Opened(&'static str),
    /// The same, about one that another opened there.
    Watched(&'static str),
    /// The same, about the participant in whose name somebody acts, and about the node where they act for none.
    OfTheirs(&'static str),
    /// One's own session.
    Session,
    /// One's own session, and a participant.
    ActFor,
    /// Whoever is known.
    Everybody,
}

/// An operation.
pub(super) struct Operation {
    pub(super) id: &'static str,
    pub(super) method: &'static str,
    pub(super) rule: Rule,
    things: &'static [Thing],
    pub(super) request: fn(&Scene, Thing) -> Request,
}

impl Operation {
    /// What it is asked about. Who is let in to nothing, or sends what no page of a session sent, is asked about one thing only.
    pub(super) fn things(&self, who: &Who) -> impl Iterator<Item = Thing> {
        let things = match who {
            _ if who.is_known() => self.things,
            _ if who.is_forged() && self.method == "GET" => &[],
            _ => OWN,
        };
        things.iter().copied()
    }

    /// Whether one comes to a session by it.
    pub(super) fn begins_a_session(&self) -> bool {
        BEGINNINGS.contains(&self.id)
    }

    /// Whether what it was about is gone afterwards, in this order.
    pub(super) fn ends_something(&self) -> u8 {
        match (self.id, self.method) {
            ("log_out", _) => 4,
            // Whoever acts for nobody has no role within a participant; what is erased is detached by nobody; of who is gone no role is taken back.
            ("act_for" | "erase_copy" | "remove_person", _) => 3,
            (_, "DELETE") => 2,
            ("withdraw_application" | "close_application" | "undo_import" | "end_sessions" | "end_break_glass", _) => 1,
            _ => 0,
        }
    }
}

/// By what one comes to a session.
pub(super) const BEGINNINGS: &[&str] =
    &["request_challenge", "log_in", "begin_provider_login", "finish_provider_login"];

const OWN: &[Thing] = &[Thing::Own];
/// What is the node's: there, or not there.
const THERE: &[Thing] = &[Thing::Own, Thing::None];
const ALL: &[Thing] = &[Thing::Own, Thing::Foreign, Thing::None];

fn get(target: String) -> Request {
    Request::get(&target)
}

fn send(method: &str, target: &str, body: &Value) -> Request {
    Request::new(method, target).body("application/json", body.to_string())
}

fn bare(method: &str, target: &str) -> Request {
    Request::new(method, target)
}

macro_rules! operations {
    ($($id:literal $method:literal $rule:expr, $things:expr, |$scene:pat_param, $thing:pat_param| $request:expr;)*) => {
        /// Every operation, in the order of the API's description.
        pub(super) static OPERATIONS: &[Operation] = &[$(Operation {
            id: $id,
            method: $method,
            rule: $rule,
            things: $things,
            request: |$scene, $thing| $request,
        }),*];
    };
}

use Rule::{
    ActFor, Action, Entrusts, Everybody, OfNode, OfTheirs, Opened, Opens, Owned, Peers, People, Session, TakesBack,
    Watched,
};

operations! {
    "submit_document" "POST" Action("submit_document"), ALL, |s, t| {
        let envelope = s.envelope(t).to_string();
        Form::submission(envelope.as_bytes(), b"no signature", &pdf("probe")).request(&fresh_key())
    };
    "list_submissions" "GET" Action("list_submissions"), OWN, |_, _| get("/v1/submissions".into());
    "announce_submission" "POST" Action("submit_document"), ALL, |s, t| {
        send("POST", "/v1/announcements", &s.announcement_of(t)).header("idempotency-key", fresh_key())
    };
    "read_announcement" "GET" Action("complete_submission"), ALL, |s, t| {
        get(format!("/v1/announcements/{}", s.of(t).announcement))
    };
    "withdraw_announcement" "DELETE" Action("complete_submission"), ALL, |s, t| {
        bare("DELETE", &format!("/v1/announcements/{}", s.of(t).announcement))
    };
    "upload_part" "PUT" Action("complete_submission"), ALL, |s, t| {
        bare("PUT", &format!("/v1/announcements/{}/parts/1", s.of(t).announcement)).body("application/octet-stream", "part")
    };
    "send_announcement" "POST" Action("complete_submission"), ALL, |s, t| {
        bare("POST", &format!("/v1/announcements/{}/send", s.of(t).announcement))
    };
    "list_mailbox" "GET" Action("list_mailbox"), ALL, |s, t| get(format!("/v1/mailboxes/{}/messages", s.of(t).mailbox));
    "lease_messages" "POST" Action("lease_messages"), ALL, |s, t| {
        let lease = json!({ "max_messages": 1, "seconds": 60 });
        send("POST", &format!("/v1/mailboxes/{}/leases", s.of(t).mailbox), &lease)
    };
    "read_subscription" "GET" Action("read_subscription"), ALL, |s, t| get(format!("/v1/subscriptions/{}", s.of(t).mailbox));
    "set_subscription" "PUT" Action("set_subscription"), ALL, |s, t| {
        let to = json!({ "url": "https://agency.example/", "events": ["consigned"] });
        send("PUT", &format!("/v1/subscriptions/{}", s.of(t).mailbox), &to)
    };
    "remove_subscription" "DELETE" Action("set_subscription"), ALL, |s, t| {
        bare("DELETE", &format!("/v1/subscriptions/{}", s.of(t).mailbox))
    };
    "read_message" "GET" Action("read_message"), ALL, |s, t| get(format!("/v1/messages/{}", s.of(t).message));
    "download_part" "GET" Action("download_part"), ALL, |s, t| {
        get(format!("/v1/messages/{}/parts/0", s.of(t).message)).header("vuzol-lease", NOTHING)
    };
    "acknowledge_message" "POST" Action("acknowledge_message"), ALL, |s, t| {
        let target = format!("/v1/messages/{}/acknowledgement", s.of(t).message);
        bare("POST", &target).header("vuzol-lease", NOTHING).body("application/pkcs7-mime", "no signature")
    };
    "read_case" "GET" Action("read_case"), ALL, |s, t| get(format!("/v1/cases/{}/events", s.of(t).case));
    "export_case" "GET" Action("export_case"), ALL, |s, t| get(format!("/v1/cases/{}/export", s.of(t).case));
    "offer_message" "PUT" Peers("relay_message"), THERE, |s, t| {
        let offer = json!({ "media_type": "application/pdf", "key_envelope": "", "sealed": [], "evidence": "none" });
        send("PUT", &format!("/v1/relay/messages/{}", s.of(t).message), &offer)
    };
    "bring_part" "PUT" Peers("relay_message"), THERE, |s, t| {
        let part = bare("PUT", &format!("/v1/relay/messages/{}/parts/0", s.of(t).message));
        part.header("content-range", "bytes 0-3/4").body("application/octet-stream", "part")
    };
    "commit_message" "POST" Peers("relay_message"), THERE, |s, t| {
        bare("POST", &format!("/v1/relay/messages/{}/commit", s.of(t).message))
    };
    "report_evidence" "POST" Peers("relay_evidence"), OWN, |_, _| {
        send("POST", "/v1/relay/evidence", &json!({ "evidence": "none" }))
    };
    "read_participants" "GET" Action("read_participants"), OWN, |_, _| get("/v1/participants".into());
    "register_participant" "PUT" Action("register_participant"), ALL, |s, t| {
        let target = format!("/v1/participants/{}", s.of(t).participant);
        send("PUT", &target, &serde_json::to_value(s.region.a.registration()).expect("JSON"))
    };
    "set_channel" "PUT" Action("set_channel"), ALL, |s, t| {
        let channel = json!({ "sender": s.region.b.edrpou(), "recipient": s.of(t).mailbox, "kinds": ["letter"] });
        send("PUT", "/v1/channels", &channel)
    };
    "read_people" "GET" OfNode("read_people"), OWN, |_, _| get("/v1/people".into());
    "register_person" "POST" Action("register_person"), OWN, |_, _| {
        let person = json!({ "name": "Особа", "rnokpp": tests::harness::people::fresh_number() });
        send("POST", "/v1/people", &person)
    };
    "remove_person" "DELETE" Action("register_person"), THERE, |s, t| bare("DELETE", &format!("/v1/people/{}", s.of(t).person));
    "grant_role" "POST" Entrusts("grant_role[authorised_representative]"), ALL, |s, t| {
        let grant = json!({ "role": "authorised_representative", "participant": s.of(t).participant });
        send("POST", &format!("/v1/people/{}/roles", s.newcomer), &grant)
    };
    "revoke_role" "DELETE" TakesBack("revoke_role[authorised_representative]"), ALL, |s, t| {
        bare("DELETE", &format!("/v1/people/{}/roles/{}", s.of(t).person, s.of(t).assignment))
    };
    "read_people_of_participant" "GET" Action("read_people"), ALL, |s, t| {
        get(format!("/v1/participants/{}/people", s.of(t).participant))
    };
    "import_directory" "POST" Action("import_directory"), OWN, |_, _| {
        send("POST", "/v1/directory/import", &json!({ "people": "name,rnokpp\n", "dry_run": true }))
    };
    "undo_import" "POST" Action("import_directory"), THERE, |s, t| {
        bare("POST", &format!("/v1/directory/import/{}/undo", s.of(t).import))
    };
    "resolve_address" "GET" Action("resolve_address"), OWN, |_, _| get("/v1/addresses?service=subsidy".into());
    "set_address" "PUT" Action("set_address"), OWN, |s, _| {
        send("PUT", "/v1/addresses", &json!({ "service": "subsidy", "mailbox": s.of(Thing::Own).mailbox }))
    };
    "remove_address" "DELETE" Action("set_address"), OWN, |_, _| bare("DELETE", "/v1/addresses?service=subsidy");
    "set_suspension" "PUT" Action("set_suspension"), ALL, |s, t| {
        send("PUT", "/v1/suspensions", &json!({ "address": s.of(t).participant, "suspended": false }))
    };
    "check_delivery" "GET" Action("check_delivery"), OWN, |s, _| {
        get(format!("/v1/capabilities?recipient={}&kind=letter", s.region.b.mailbox()))
    };
    "read_quarantine" "GET" Action("read_quarantine"), OWN, |_, _| get("/v1/quarantine".into());
    "retry_message" "POST" Action("retry_message"), THERE, |s, t| {
        bare("POST", &format!("/v1/quarantine/{}/retry", s.of(t).message))
    };
    "read_due" "GET" Action("read_retention"), OWN, |_, _| get("/v1/retention/due".into());
    "read_holds" "GET" Action("read_retention"), OWN, |_, _| get("/v1/holds".into());
    "place_hold" "POST" Action("set_hold"), THERE, |s, t| {
        send("POST", "/v1/holds", &json!({ "subject": { "message": s.of(t).message }, "reason": "a ruling" }))
    };
    "lift_hold" "POST" Action("set_hold"), THERE, |s, t| {
        send("POST", &format!("/v1/holds/{}/lift", s.of(t).hold), &json!({ "reason": "a ruling" }))
    };
    "draw_disposal_act" "POST" Action("dispose_messages"), OWN, |_, _| {
        let draft = serde_json::to_value(Scene::act_request()).expect("JSON");
        send("POST", "/v1/disposal-acts", &draft)
    };
    "read_disposal_acts" "GET" Action("read_retention"), OWN, |_, _| get("/v1/disposal-acts".into());
    "read_disposal_act" "GET" Action("read_retention"), THERE, |s, t| get(format!("/v1/disposal-acts/{}", s.of(t).act));
    "sign_disposal_act" "POST" Action("dispose_messages"), THERE, |s, t| {
        let target = format!("/v1/disposal-acts/{}/signatures", s.of(t).act);
        bare("POST", &target).body("application/pkcs7-signature", "no signature")
    };
    "withdraw_disposal_act" "DELETE" Action("dispose_messages"), THERE, |s, t| {
        bare("DELETE", &format!("/v1/disposal-acts/{}", s.of(t).act))
    };
    "store_copy" "POST" Action("store_copy"), OWN, |_, _| {
        bare("POST", "/v1/copies?kind=passport").body("application/octet-stream", "sealed")
    };
    "read_own_file" "GET" People("read_own_file"), OWN, |_, _| get("/v1/copies".into());
    "read_copy" "GET" Owned("read_copy"), ALL, |s, t| get(format!("/v1/copies/{}", s.of(t).copy));
    "erase_copy" "DELETE" Owned("erase_copy"), ALL, |s, t| bare("DELETE", &format!("/v1/copies/{}", s.of(t).copy));
    "apply_for_service" "POST" Action("apply_for_service"), ALL, |s, t| {
        send("POST", "/v1/applications", &json!({ "centre": s.of(t).participant, "service": "subsidy" }))
    };
    "list_applications" "GET" Action("list_applications"), OWN, |_, _| get("/v1/applications".into());
    "read_application" "GET" Owned("read_application"), ALL, |s, t| get(format!("/v1/applications/{}", s.of(t).application));
    "withdraw_application" "POST" Owned("withdraw_application"), ALL, |s, t| {
        bare("POST", &format!("/v1/applications/{}/withdraw", s.of(t).application))
    };
    "close_application" "POST" Owned("close_application"), ALL, |s, t| {
        send("POST", &format!("/v1/applications/{}/close", s.of(t).application), &json!({}))
    };
    "attach_copy" "PUT" Owned("attach_copy"), ALL, |s, t| {
        bare("PUT", &format!("/v1/applications/{}/copies/{}", s.of(t).application, s.of(t).copy))
    };
    "detach_copy" "DELETE" Owned("attach_copy"), ALL, |s, t| {
        bare("DELETE", &format!("/v1/applications/{}/copies/{}", s.of(t).application, s.of(t).copy))
    };
    "look_at_copy" "GET" Action("look_at_copy"), ALL, |s, t| {
        let target = format!("/v1/applications/{}/copies/{}", s.of(t).application, s.of(t).copy);
        get(target).header("vuzol-purpose", "application.review")
    };
    "list_looks" "GET" People("list_looks"), OWN, |_, _| get("/v1/looks".into());
    "open_break_glass" "POST" Opens("open_break_glass"), ALL, |s, t| send("POST", "/v1/break-glass", &opening(&s.of(t).application));
    "read_break_glass" "GET" OfTheirs("read_break_glass"), OWN, |_, _| get("/v1/break-glass".into());
    "end_break_glass" "POST" Opened("end_break_glass"), ALL, |s, t| {
        bare("POST", &format!("/v1/break-glass/{}/end", s.of(t).glass))
    };
    "review_break_glass" "POST" Watched("review_break_glass"), ALL, |s, t| {
        let review = json!({ "finding": "justified", "note": "as the ruling of the day before asked" });
        send("POST", &format!("/v1/break-glass/{}/review", s.of(t).watched), &review)
    };
    "list_opened_copies" "GET" Opened("look_through_glass"), ALL, |s, t| {
        get(format!("/v1/break-glass/{}/copies", s.of(t).glass))
    };
    "look_through_glass" "GET" Opened("look_through_glass"), ALL, |s, t| {
        get(format!("/v1/break-glass/{}/copies/{}", s.of(t).glass, s.of(t).copy))
    };
    "list_purposes" "GET" Everybody, OWN, |_, _| get("/v1/purposes".into());
    "read_trust" "GET" Action("read_trust"), OWN, |_, _| get("/v1/trust".into());
    "set_trust" "PUT" Action("set_trust"), THERE, |s, t| {
        send("PUT", &format!("/v1/trust/{}", s.of(t).certificate), &json!({ "purposes": [] }))
    };
    "withdraw_trust" "DELETE" Action("set_trust"), THERE, |s, t| bare("DELETE", &format!("/v1/trust/{}", s.of(t).certificate));
    "read_peers" "GET" Action("read_peers"), OWN, |_, _| get("/v1/peers".into());
    "set_peer" "PUT" Action("set_peer"), THERE, |s, t| {
        let change = json!({ "replaces": 0, "statement": s.peer_statement });
        send("PUT", &format!("/v1/peers/{}", s.of(t).peer), &change)
    };
    "withdraw_peer" "DELETE" Action("set_peer"), THERE, |s, t| bare("DELETE", &format!("/v1/peers/{}", s.of(t).peer));
    "read_peer_history" "GET" Action("read_peers"), THERE, |s, t| get(format!("/v1/peers/{}/history", s.of(t).peer));
    "request_challenge" "POST" Session, OWN, |_, _| send("POST", "/v1/logins/challenges", &json!({}));
    "log_in" "POST" Session, OWN, |_, _| send("POST", "/v1/logins", &json!({ "challenge": "none", "signature": "none" }));
    "begin_provider_login" "GET" Session, OWN, |_, _| get("/v1/logins/openid/gov/start".into());
    "finish_provider_login" "GET" Session, OWN, |_, _| get("/v1/logins/openid/gov/callback?state=none&code=none".into());
    "read_session" "GET" Session, OWN, |_, _| get("/v1/session".into());
    "log_out" "DELETE" Session, OWN, |_, _| bare("DELETE", "/v1/session");
    "act_for" "POST" ActFor, ALL, |s, t| {
        let acting_for = if t == Thing::Own { Value::Null } else { json!(s.of(t).participant) };
        send("POST", "/v1/session/acting-for", &json!({ "acting_for": acting_for }))
    };
    "step_up" "POST" Session, OWN, |_, _| {
        send("POST", "/v1/session/step-up", &json!({ "challenge": "none", "signature": "none" }))
    };
    "end_sessions" "POST" Action("end_sessions"), THERE, |s, t| {
        bare("POST", &format!("/v1/people/{}/sessions/end", s.of(t).person))
    };
    "issue_token" "POST" Action("issue_token"), ALL, |s, t| {
        let token = json!({ "name": "archive", "scopes": ["read_participants"], "days": 30 });
        send("POST", &format!("/v1/participants/{}/tokens", s.of(t).participant), &token)
    };
    "read_tokens" "GET" Action("read_tokens"), ALL, |s, t| get(format!("/v1/participants/{}/tokens", s.of(t).participant));
    "revoke_token" "DELETE" Action("revoke_token"), ALL, |s, t| {
        bare("DELETE", &format!("/v1/participants/{}/tokens/{}", s.of(t).participant, s.of(t).token))
    };
    "read_checkpoint" "GET" Action("read_log"), OWN, |_, _| get("/v1/log/checkpoint".into());
    "read_witnessed_checkpoint" "GET" Action("read_log"), OWN, |_, _| get("/v1/log/checkpoint.witnessed".into());
    "read_anchor" "GET" Action("read_log"), OWN, |_, _| get("/v1/log/anchors/1.tsr".into());
    "read_tile" "GET" Action("read_log"), OWN, |_, _| get("/v1/log/tile/entries/000.p/1".into());
    "read_proof" "GET" Action("read_log"), THERE, |s, t| get(format!("/v1/log/proofs/{}", s.of(t).event));
    "search_audit" "POST" Action("search_audit"), OWN, |_, _| send("POST", "/v1/audit/searches", &json!({}));
    "export_audit" "POST" Action("export_audit"), OWN, |_, _| send("POST", "/v1/audit/exports", &json!({ "first": 0 }));
    "read_alerts" "GET" Action("read_alerts"), OWN, |_, _| get("/v1/alerts".into());
    "see_alert" "POST" Action("see_alert"), OWN, |_, _| {
        send("POST", &format!("/v1/alerts/{NOTHING}/seen"), &json!({ "remark": "seen" }))
    };
    "read_erasures" "GET" Action("read_erasures"), OWN, |_, _| get("/v1/audit/erasures".into());
    "erase_details" "POST" Action("erase_details"), OWN, |_, _| {
        send("POST", "/v1/audit/erasures", &json!({ "person": NOTHING, "ground": "none" }))
    };
    "list_schemas" "GET" Everybody, OWN, |_, _| get("/v1/schemas".into());
    "read_schema" "GET" Everybody, OWN, |s, _| get(s.schema.clone());
    "read_openapi" "GET" Everybody, OWN, |_, _| get("/v1/openapi.json".into());
}

/// No lease.
const NOTHING: &str = "01938f6e-3c00-7abc-8def-0123456789ab";

/// What is stated to open break-glass access to an application.
pub(super) fn opening(application: &str) -> Value {
    json!({
        "opens": { "kind": "application", "application": application },
        "ground": "incident",
        "reason": "a citizen's complaint of the day before",
    })
}
