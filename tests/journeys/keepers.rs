//! Those who keep the node, its security and the books over it, and those at its edge: what there is for them today, and that no content is.

use schemas::access::{Portal, Role};
use schemas::message::Receipt;
use schemas::session::Deed;
use serde_json::{Value, json};
use tests::harness::neighbours::Papers;
use tests::harness::people::fresh_number;
use tests::harness::{Answer, Ground, Page, Person, Region, Request, pdf};

use crate::story::Story;

/// A node with portals, a letter from A to B, and somebody with a role of the node, or within A.
async fn set(role: Role) -> (Region, Receipt, Person, Page) {
    let prepare = |ground: &mut Ground| {
        ground.opens_portals();
        ground.config.relay.login = Some(Papers::issue(ground, "here.example").login);
    };
    let region = Region::start_with(prepare).await;
    let receipt = region.a.submits(pdf("Between two agencies.")).to(&region.b.mailbox()).await.expect("a receipt");
    let person = region.official(role, &region.a).await;
    let page = region.logs_in(Portal::Internal, &person).await;
    (region, receipt, person, page)
}

/// Every way to what agencies write to each other.
async fn sees_no_content(story: &mut Story, region: &Region, receipt: &Receipt, page: &Page) {
    let message = format!("/v1/messages/{}", receipt.message_id);
    let lease = json!({ "max_messages": 1, "seconds": 60 });
    let part =
        Request::get(&format!("{message}/parts/0")).header("vuzol-lease", "01938f6e-3c00-7abc-8def-0123456789ab");
    story.may_not("read how a message stands", &page.gets(&message).await);
    story.may_not("download a document", &page.asks(&part).await);
    story.may_not("list a mailbox", &page.gets(&format!("/v1/mailboxes/{}/messages", region.b.mailbox())).await);
    story.may_not("lease messages", &{
        page.posts(&format!("/v1/mailboxes/{}/leases", region.b.mailbox()), &lease).await
    });
    story.may_not("read a case", &page.gets(&format!("/v1/cases/{}/events", receipt.case_id)).await);
    story.may_not("take a case away", &page.gets(&format!("/v1/cases/{}/export", receipt.case_id)).await);
    story.may_not("list the applications of people", &page.gets("/v1/applications").await);
}

/// The log up to a checkpoint that stands: what an outsider reads and checks.
async fn reads_the_log(story: &mut Story, page: &Page, receipt: &Receipt) {
    let mut checkpoint = page.gets("/v1/log/checkpoint").await;
    let mut proof = page.gets(&format!("/v1/log/proofs/{}", receipt.event_id)).await;
    for _ in 0..200 {
        if proof.status == 200 && checkpoint.status == 200 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        checkpoint = page.gets("/v1/log/checkpoint").await;
        proof = page.gets(&format!("/v1/log/proofs/{}", receipt.event_id)).await;
    }
    story.may("read the checkpoint of the log", checkpoint);
    let proof: Value = story.may("read the proof that a letter is in it", proof).json();
    let entry =
        base64::Engine::decode(&base64::engine::general_purpose::STANDARD, proof["entry"].as_str().expect("an entry"));
    let entry: Value = serde_json::from_slice(&entry.expect("base64")).expect("JSON");
    assert_eq!(entry["id"], json!(receipt.event_id));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_security_officer_reads_what_happened_ends_sessions_and_changes_nothing() {
    let (region, receipt, person, page) = set(Role::SecurityOfficer).await;
    let mut story = Story::of("Security officer");
    let head = region.official(Role::HeadOfAgency, &region.a).await;
    let theirs = region.logs_in(Portal::Internal, &head).await;

    story.so("The officer reads the log, in which every login, look and refusal stands.");
    reads_the_log(&mut story, &page, &receipt).await;
    story.so("And what is due for disposal, and what is held.");
    story.may("see what is due for disposal", page.gets("/v1/retention/due").await);
    story.may("see the legal holds", page.gets("/v1/holds").await);
    story.may("see the acts of disposal", page.gets("/v1/disposal-acts").await);
    let hold = json!({ "subject": { "message": receipt.message_id }, "reason": "an inquiry" });
    story.may_not("place a hold", &page.posts("/v1/holds", &hold).await);

    story.so("Whose session does harm is thrown out at once, with a signature and without asking anybody.");
    let target = format!("/v1/people/{}/sessions/end", head.id);
    story.may_not("end a person's sessions, the screen left unlocked", &page.does("POST", &target).await);
    assert_eq!(theirs.gets("/v1/session").await.status, 200);
    region.confirms(&page, &person, Deed::EndSessions).await;
    story.may("end a person's sessions", page.does("POST", &target).await);
    story.may_not("the person goes on", &theirs.gets("/v1/session").await);

    story.so("No content is theirs.");
    sees_no_content(&mut story, &region, &receipt, &page).await;
    story.may_not("look at the people of the node", &page.gets("/v1/people").await);
    story.ends();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_reads_the_log_and_changes_nothing() {
    let (region, receipt, person, page) = set(Role::Auditor).await;
    let mut story = Story::of("Auditor");
    story.so("The auditor reads the log, entry by entry, and checks it against what the node signed.");
    reads_the_log(&mut story, &page, &receipt).await;
    story.may("read entries of the log", page.gets("/v1/log/tile/entries/000.p/1").await);
    story.may_not("read a tile that is not there", &page.gets("/v1/log/tile/entries/999").await);

    story.so("An auditor changes nothing.");
    let before = region.book().await.entries.len();
    for deed in [Deed::GrantRole, Deed::RegisterParticipant, Deed::SetTrust] {
        region.confirms(&page, &person, deed).await;
        let (what, answer): (&str, Answer) = match deed {
            Deed::GrantRole => ("entrust anybody", {
                let grant = json!({ "role": "authorised_representative", "participant": region.a.edrpou() });
                page.posts(&format!("/v1/people/{}/roles", region.enters_person(None).await.id), &grant).await
            }),
            Deed::RegisterParticipant => ("register a participant", {
                let registration = serde_json::to_value(region.stranger.registration()).expect("JSON");
                page.sends("PUT", &format!("/v1/participants/{}", region.stranger.edrpou()), &registration).await
            }),
            _ => ("change whom the node believes", {
                page.sends("PUT", &format!("/v1/trust/{}", "0".repeat(64)), &json!({ "purposes": [] })).await
            }),
        };
        story.may_not(&format!("{what}, however they sign"), &answer);
    }
    story.may_not("place a hold", &{
        let hold = json!({ "subject": { "message": receipt.message_id }, "reason": "an inquiry" });
        page.posts("/v1/holds", &hold).await
    });
    story.may_not(
        "end a person's sessions",
        &page.does("POST", &format!("/v1/people/{}/sessions/end", person.id)).await,
    );
    story.may_not("see what is due for disposal", &page.gets("/v1/retention/due").await);
    sees_no_content(&mut story, &region, &receipt, &page).await;
    let book = region.book().await;
    let actor = format!("person:{}", person.id);
    let theirs = book.entries[before..].iter().filter(|entry| entry.text("actor") == actor);
    let done: Vec<&str> =
        theirs.filter(|entry| entry.text("outcome") == "done").map(|entry| entry.text("action")).collect();
    assert!(done.iter().all(|action| *action == "session.step_up"), "an auditor did something: {done:?}");
    story.ends();
}

/// States another node together with an operator by certificate, and withdraws it.
async fn keeps_peers(story: &mut Story, region: &Region, person: &Person, page: &Page) {
    let there = Papers::issue(&region.ground, "poltava.example");
    let statement = there.statement(&region.ground, "https://vuzol.poltava.example");
    let change = json!({ "replaces": 0, "statement": statement });
    let target = "/v1/peers/poltava.example";
    story.may("read which other nodes there are", page.gets("/v1/peers").await);
    story.may_not("state one, the screen left unlocked", &page.sends("PUT", target, &change).await);
    region.confirms(page, person, Deed::SetPeer).await;
    story.may("propose one, with a signature that names the deed", page.sends("PUT", target, &change).await);
    story.may_not("confirm it themselves", &page.sends("PUT", target, &change).await);
    let operator = region.wire(Some(region.ground.site.operator()));
    let confirms = Request::new("PUT", target).body("application/json", change.to_string());
    story.may("another operator confirms it", operator.asks(&confirms).await);
    story.may("read what was stated of it", page.gets(&format!("{target}/history")).await);
    let told: Value = page.gets("/v1/peers").await.json();
    let [peer] = &told["peers"].as_array().expect("peers")[..] else { panic!("{told}") };
    assert_eq!((&peer["name"], &peer["in_force"], &peer["version"]), (&json!(there.name), &json!(true), &json!(1)));
    story.may_not("withdraw it, unsigned", &page.does("DELETE", target).await);
    region.confirms(page, person, Deed::WithdrawPeer).await;
    story.may("withdraw it", page.does("DELETE", target).await);
    story.may_not("withdraw it twice", &page.does("DELETE", target).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_operator_keeps_the_node_and_reads_no_document() {
    let (region, receipt, person, page) = set(Role::NodeOperator).await;
    let mut story = Story::of("Node operator");
    story.so("The operator keeps participants, channels and people; what lets somebody in takes a fresh signature.");
    story.may("read who takes part", page.gets("/v1/participants").await);
    let registration = serde_json::to_value(region.stranger.registration()).expect("JSON");
    let target = format!("/v1/participants/{}", region.stranger.edrpou());
    story.may_not("register a participant, the screen left unlocked", &page.sends("PUT", &target, &registration).await);
    region.confirms(&page, &person, Deed::RegisterParticipant).await;
    story.may("register a participant, with a signature that names the deed", {
        page.sends("PUT", &target, &registration).await
    });
    let channel = json!({ "sender": region.stranger.edrpou(), "recipient": region.a.mailbox(), "kinds": ["letter"] });
    story.may("open a channel", page.sends("PUT", "/v1/channels", &channel).await);

    story.so("The directory is entered in bulk: first dry, then in earnest, and it can be taken back.");
    let people = format!("name,rnokpp\nОсоба,{}\nОсоба,{}\n", fresh_number(), fresh_number());
    let import = |dry_run: bool| json!({ "people": people, "dry_run": dry_run });
    region.confirms(&page, &person, Deed::ImportDirectory).await;
    let dry: Value = story.may("try an import", page.posts("/v1/directory/import", &import(true)).await).json();
    assert_eq!((&dry["people"]["added"], dry.get("import")), (&json!(2), None));
    let wrong = json!({ "people": "name,rnokpp\nОсоба,1234567890\n", "dry_run": false });
    story.may_not("import a number whose control digit is wrong", &page.posts("/v1/directory/import", &wrong).await);
    let done: Value = story.may("import", page.posts("/v1/directory/import", &import(false)).await).json();
    let import = done["import"].as_str().expect("an import");
    region.confirms(&page, &person, Deed::UndoImport).await;
    story.may("take the import back", page.does("POST", &format!("/v1/directory/import/{import}/undo")).await);
    story.may_not("take it back twice", &page.does("POST", &format!("/v1/directory/import/{import}/undo")).await);

    story.so("Roles are given by operators, whichever way they come; what opens the way to others takes two of them.");
    let somebody = region.enters_person(None).await;
    region.confirms(&page, &person, Deed::GrantRole).await;
    let (grant, target) = (json!({ "role": "auditor" }), format!("/v1/people/{}/roles", somebody.id));
    story.may("propose an auditor", page.posts(&target, &grant).await);
    story.may_not("confirm it themselves", &page.posts(&target, &grant).await);
    let operator = region.wire(Some(region.ground.site.operator()));
    let confirms = Request::post(&target).body("application/json", grant.to_string());
    let entrusted: Value = story.may("another operator confirms it", operator.asks(&confirms).await).json();
    let assignment = entrusted["assignment"]["id"].as_str().expect("an assignment");
    story.may("take the role back", page.does("DELETE", &format!("{target}/{assignment}")).await);
    story.may_not("entrust themselves", &page.posts(&format!("/v1/people/{}/roles", person.id), &grant).await);
    let newcomer = json!({ "name": "Особа", "rnokpp": fresh_number() });
    story.may_not("enter a person into the directory, unsigned", &page.posts("/v1/people", &newcomer).await);
    region.confirms(&page, &person, Deed::RegisterPerson).await;
    story.may("enter a person into the directory", page.posts("/v1/people", &newcomer).await);

    story.so("To whom documents leave the region two operators say, and to let nobody in there any more takes one.");
    keeps_peers(&mut story, &region, &person, &page).await;

    story.so("The operator sees how the node stands.");
    story.may("read the quarantine", page.gets("/v1/quarantine").await);
    story.may("read whom the node believes", page.gets("/v1/trust").await);
    region.confirms(&page, &person, Deed::SetTrust).await;
    story.may_not("talk the node out of its last anchor", &{
        let root = crypto::digest::hex(&region.ground.site.pki().root().fingerprint());
        page.sends("PUT", &format!("/v1/trust/{root}"), &json!({ "purposes": [] })).await
    });
    story.may("read the log's checkpoint", page.gets("/v1/log/checkpoint").await);

    story.so("And no document.");
    sees_no_content(&mut story, &region, &receipt, &page).await;
    story.ends();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_register_operator_reads_who_takes_part_and_nothing_else_yet() {
    let (region, receipt, _, page) = set(Role::RegisterOperator).await;
    let mut story = Story::of("Register operator");
    story.so("The connections to the state registers are not built yet: today there is the list of participants.");
    story.may("read who takes part", page.gets("/v1/participants").await);
    story.may_not("find the mailbox of a service", &page.gets("/v1/addresses?service=subsidy").await);
    story.may_not("read the log", &page.gets("/v1/log/checkpoint").await);
    story.may_not("look at the people of the node", &page.gets("/v1/people").await);
    sees_no_content(&mut story, &region, &receipt, &page).await;
    story.ends();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postal_operator_finds_addresses_and_nothing_else_yet() {
    let (region, receipt, _, page) = set(Role::PostalOperator).await;
    let mut story = Story::of("Postal operator");
    story.so("What is to be delivered on paper is not handed out yet: today there are addresses.");
    story.may("read who takes part", page.gets("/v1/participants").await);
    let address = json!({ "service": "subsidy", "mailbox": region.a.mailbox() });
    let operator = region.wire(Some(region.ground.site.operator()));
    let set = Request::new("PUT", "/v1/addresses").body("application/json", address.to_string());
    assert_eq!(operator.asks(&set).await.status, 204);
    story.may("find the mailbox of a service", page.gets("/v1/addresses?service=subsidy").await);
    story.may_not("say where a service is", &page.sends("PUT", "/v1/addresses", &address).await);
    story.may_not("see what the agency handed in", &page.gets("/v1/submissions").await);
    story.may_not("read the log", &page.gets("/v1/log/checkpoint").await);
    sees_no_content(&mut story, &region, &receipt, &page).await;
    story.ends();
}
