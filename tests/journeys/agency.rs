//! The people of an agency: its head, who entrusts and sees, and its representative, who handles documents in its name.

use schemas::access::{Portal, Role};
use schemas::message::{Lease, Receipt};
use schemas::session::Deed;
use serde_json::{Value, json};
use tests::harness::agency::{fresh_key, statement};
use tests::harness::people::DSTU;
use tests::harness::{Form, Ground, Page, Person, Region, Request, pdf};

use crate::story::Story;

fn roles_of(person: &Person) -> String {
    format!("/v1/people/{}/roles", person.id)
}

fn role(region: &Region, role: Role) -> Value {
    json!({ "role": role, "participant": region.a.edrpou() })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_of_agency_entrusts_a_representative_and_takes_the_role_back() {
    let region = Region::start_with(Ground::opens_portals).await;
    let mut story = Story::of("Head of agency");
    let head = region.enters_person_with(Some(&region.a), DSTU).await;
    let clerk = region.enters_person(Some(&region.a)).await;
    let target = roles_of(&head);
    let heads = role(&region, Role::HeadOfAgency);

    story.so("Who heads an agency is said by two operators of the node.");
    let site = &region.ground.site;
    let (one, two) = (region.wire(Some(site.operator())), region.wire(Some(site.second_operator())));
    let says = Request::post(&target).body("application/json", heads.to_string());
    let proposed: Value = story.may("the first operator proposes the head", one.asks(&says).await).json();
    assert!(proposed["proposal"].is_object() && proposed.get("assignment").is_none());
    story.may_not("the head logs in while one alone has said so", &{
        region.tries_login(&region.page(Portal::Internal), &head.signer).await
    });
    story.may_not("the first operator confirms what they proposed", &one.asks(&says).await);
    story.may("the second operator confirms", two.asks(&says).await);

    story.so("The head logs in by signing a challenge with a key of DSTU 4145.");
    let page = region.page(Portal::Internal);
    let challenge: Value = page.asks_for_challenge(None).await.json();
    let text = challenge["challenge"].as_str().expect("a text");
    assert!(text.contains("ВХІД ДО ВУЗЛА") && text.contains(tests::harness::people::OFFICE), "{text}");
    let answer = story.may("the head logs in", region.tries_login(&page, &head.signer).await);
    let page = page.with_session(&answer);
    let session = page.session().await;
    assert_eq!((session.acting_for, &session.roles[..]), (Some(region.a.edrpou()), &[Role::HeadOfAgency][..]));
    story.may_not("the same session at the portal of applicants", &{
        let cookie = format!("__Host-vuzol-external={}", page.cookie_value());
        Page { cookie: Some(cookie), ..region.page(Portal::External) }.gets("/v1/session").await
    });

    story.so("Operators keep the directory of people; heads entrust those who are in it.");
    let registers = json!({ "name": "Особа", "rnokpp": tests::harness::people::fresh_number() });
    story.may_not("the head enters a person into the directory", &page.posts("/v1/people", &registers).await);
    let (target, represents) = (roles_of(&clerk), role(&region, Role::AuthorisedRepresentative));
    story.may_not(
        "the head entrusts a representative, the screen left unlocked",
        &page.posts(&target, &represents).await,
    );
    region.confirms(&page, &head, Deed::GrantRole).await;
    let granted = story.may(
        "the head entrusts a representative, with a signature that names the deed",
        page.posts(&target, &represents).await,
    );
    let assignment = granted.json::<Value>()["assignment"]["id"].as_str().expect("an assignment").to_owned();
    story.may_not("the head entrusts themselves", &page.posts(&roles_of(&head), &represents).await);
    story.may_not("the head makes another head", &page.posts(&target, &role(&region, Role::HeadOfAgency)).await);
    let elsewhere = json!({ "role": Role::AuthorisedRepresentative, "participant": region.b.edrpou() });
    story.may_not("the head entrusts somebody with another agency", &page.posts(&target, &elsewhere).await);
    let people = format!("/v1/participants/{}/people", region.a.edrpou());
    let listed: Value = story.may("the head sees the agency's people", page.gets(&people).await).json();
    assert_eq!(listed["people"].as_array().map(Vec::len), Some(2));
    story.may_not("the head looks at the people of another agency", &{
        page.gets(&format!("/v1/participants/{}/people", region.b.edrpou())).await
    });

    story.so(
        "The head sees what the agency is sent, and takes nothing over: who handles documents has a role of their own.",
    );
    let receipt: Receipt = region.b.submits(pdf("To agency A.")).to(&region.a.mailbox()).await.expect("a receipt");
    let mailbox = format!("/v1/mailboxes/{}", region.a.mailbox());
    story.may("the head lists the mailbox", page.gets(&format!("{mailbox}/messages")).await);
    story.may("the head reads how a message stands", page.gets(&format!("/v1/messages/{}", receipt.message_id)).await);
    let lease = json!({ "max_messages": 1, "seconds": 60 });
    story.may_not("the head leases it", &page.posts(&format!("{mailbox}/leases"), &lease).await);
    story.may_not("the head lists another's mailbox", &{
        page.gets(&format!("/v1/mailboxes/{}/messages", region.b.mailbox())).await
    });

    story.so("What was entrusted is taken back at once, with no signature: that must be quick.");
    let theirs = region.logs_in(Portal::Internal, &clerk).await;
    story.may("the representative lists the mailbox", theirs.gets(&format!("{mailbox}/messages")).await);
    story.may("the head takes the role back", page.does("DELETE", &format!("{target}/{assignment}")).await);
    region.time_passes(time::Duration::seconds(4));
    story.may_not("the representative lists the mailbox", &theirs.gets(&format!("{mailbox}/messages")).await);
    story.may_not("the head takes it back again, by the name of nobody", &{
        page.does("DELETE", &format!("{target}/01938f6e-3c00-7abc-8def-0123456789ab")).await
    });
    story.ends();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authorised_representative_handles_documents_in_the_agencys_name() {
    let region = Region::start_with(Ground::opens_portals).await;
    let (a, b) = (&region.a, &region.b);
    let mut story = Story::of("Authorised representative");
    let person = region.official(Role::AuthorisedRepresentative, a).await;
    let page = region.logs_in(Portal::Internal, &person).await;

    story.so("A letter is signed by the representative and handed in on behalf of the agency.");
    let letter = pdf("On behalf of agency A.");
    let envelope = |envelope: &Value| serde_json::to_vec(envelope).expect("JSON");
    let own = serde_json::to_value(a.envelope(&b.mailbox())).expect("JSON");
    let form = Form::submission(&envelope(&own), &a.signs_as(&person.signer, &letter), &letter);
    story.may_not("a representative hands in without the session's CSRF token", &{
        Page { csrf: None, ..page.clone() }.asks(&form.request(&fresh_key())).await
    });
    let handed_in = story.may("a representative hands a letter in", page.asks(&form.request(&fresh_key())).await);
    let receipt: Receipt = handed_in.json();
    let mut as_b = own.clone();
    as_b["sender"] = json!(b.edrpou());
    let forged = Form::submission(&envelope(&as_b), &a.signs_as(&person.signer, &letter), &letter);
    story.may_not(
        "a representative hands a letter in as another agency",
        &page.asks(&forged.request(&fresh_key())).await,
    );
    let others = Form::submission(&envelope(&own), &a.signs_as(b.signer(), &letter), &letter);
    story.may_not("a representative hands in what another agency signed", &{
        page.asks(&others.request(&fresh_key())).await
    });
    story.may("a representative sees what the agency handed in", page.gets("/v1/submissions").await);
    story.may("a representative reads the case", page.gets(&format!("/v1/cases/{}/events", receipt.case_id)).await);
    story.may_not("a representative downloads what was sent to another", &{
        let part = Request::get(&format!("/v1/messages/{}/parts/0", receipt.message_id));
        page.asks(&part.header("vuzol-lease", "01938f6e-3c00-7abc-8def-0123456789ab")).await
    });

    story.so("A letter to the agency is taken over and acknowledged.");
    let answer = pdf("An answer.");
    let received = b.submits(answer.clone()).to(&a.mailbox()).await.expect("a receipt");
    let mailbox = format!("/v1/mailboxes/{}/leases", a.mailbox());
    let leased = story.may("a representative leases it", {
        page.posts(&mailbox, &json!({ "max_messages": 10, "seconds": 60, "wait_seconds": 5 })).await
    });
    let lease: Lease = leased.json();
    assert_eq!(lease.messages[0].summary.message_id, received.message_id);
    let part =
        Request::get(&format!("/v1/messages/{}/parts/0", received.message_id)).header("vuzol-lease", lease.token);
    let sealed = story.may("a representative downloads it", page.asks(&part).await);
    assert_eq!(a.unseals(&lease.messages[0], 0, &sealed.body).expect("an opened letter"), answer);
    let accepts = a.states_as(&person.signer, &statement(received.message_id, &answer, None));
    let target = format!("/v1/messages/{}/acknowledgement", received.message_id);
    let acknowledge = Request::post(&target).header("vuzol-lease", lease.token).body("application/pkcs7-mime", accepts);
    story.may("a representative accepts it", page.asks(&acknowledge).await);
    story.may_not("a representative leases from another's mailbox", &{
        let other = format!("/v1/mailboxes/{}/leases", b.mailbox());
        page.posts(&other, &json!({ "max_messages": 1, "seconds": 60 })).await
    });

    story.so("A representative entrusts nobody, and issues nothing.");
    let colleague = region.enters_person(Some(a)).await;
    let represents = role(&region, Role::AuthorisedRepresentative);
    region.confirms(&page, &person, Deed::GrantRole).await;
    story.may_not("a representative entrusts a colleague, however they sign", &{
        page.posts(&roles_of(&colleague), &represents).await
    });
    story.may_not("a representative looks at the agency's people", &{
        page.gets(&format!("/v1/participants/{}/people", a.edrpou())).await
    });
    let token = json!({ "name": "archive", "scopes": ["read_participants"], "days": 30 });
    region.confirms(&page, &person, Deed::IssueToken).await;
    story.may_not("a representative issues a token", &{
        page.posts(&format!("/v1/participants/{}/tokens", a.edrpou()), &token).await
    });
    story.may("a representative logs out", page.does("DELETE", "/v1/session").await);
    story.may_not("a representative goes on", &page.gets("/v1/submissions").await);
    story.ends();
}
