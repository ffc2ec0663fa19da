//! A service centre and who applies there: what people keep is seen where they applied, while their case is open, and every look is shown
//! to them.

use gateway::config::ClassConfig;
use schemas::access::{Portal, Role};
use schemas::application::LookPage;
use serde_json::{Value, json};
use tests::harness::{Agency, Answer, Ground, Page, Region, Request};
use time::Duration;

use crate::story::Story;

/// Portals; what was attached to a closed case is seen for a day.
fn prepared(ground: &mut Ground) {
    ground.opens_portals();
    let standard = ClassConfig { days: Some(1), permanent: false };
    ground.config.retention.classes.insert("standard".to_owned(), standard);
}

fn id(answer: &Answer, field: &str) -> String {
    answer.json::<Value>()[field].as_str().expect("an id").to_owned()
}

async fn stores(page: &Page, kind: &str) -> Answer {
    let target = format!("/v1/copies?kind={kind}");
    page.asks(&Request::post(&target).body("application/octet-stream", format!("sealed {kind}"))).await
}

async fn applies(page: &Page, centre: &Agency) -> Answer {
    page.posts("/v1/applications", &json!({ "centre": centre.edrpou(), "service": "subsidy" })).await
}

async fn looks(page: &Page, target: &str) -> Answer {
    page.asks(&Request::get(target).header("vuzol-purpose", "application.review")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_applicant_keeps_copies_applies_sees_every_look_and_nothing_of_others() {
    let region = Region::start_with(prepared).await;
    let centre = &region.a;
    let mut story = Story::of("Applicant");
    let (person, other) = (region.enters_person(None).await, region.enters_person(None).await);
    let administrator = region.official(Role::CentreAdministrator, centre).await;
    let desk = region.logs_in(Portal::Internal, &administrator).await;

    story.so("Whoever is in the directory is an applicant, at the portal of applicants and nowhere else.");
    story.may_not("an applicant logs in at the portal of officials", &{
        region.tries_login(&region.page(Portal::Internal), &person.signer).await
    });
    let page = region.page(Portal::External);
    let answer = story.may("an applicant logs in", region.tries_login(&page, &person.signer).await);
    let page = page.with_session(&answer);
    assert_eq!(page.session().await.roles, [Role::Applicant]);

    story.so("Copies are kept as the applicant's page sealed them.");
    let passport = id(&story.may("an applicant stores a copy", stores(&page, "passport").await), "copy_id");
    let other_page = region.logs_in(Portal::External, &other).await;
    let theirs = id(&stores(&other_page, "passport").await, "copy_id");
    let own = story.may("an applicant reads the copy", page.gets(&format!("/v1/copies/{passport}")).await);
    assert_eq!(&own.body[..], b"sealed passport");
    story.may_not("an applicant reads another's copy", &page.gets(&format!("/v1/copies/{theirs}")).await);

    story.so("An application shows the centre what is attached to it.");
    let application = id(&story.may("an applicant applies", applies(&page, centre).await), "application_id");
    let target = format!("/v1/applications/{application}");
    story.may_not("an applicant applies at a centre that is not there", &{
        page.posts("/v1/applications", &json!({ "centre": "99000099", "service": "subsidy" })).await
    });
    let attached = format!("{target}/copies/{passport}");
    story.may("an applicant attaches the copy", page.does("PUT", &attached).await);
    story
        .may_not("an applicant attaches another's copy", &page.does("PUT", &format!("{target}/copies/{theirs}")).await);
    story.may_not("an applicant erases what a centre may still see", &{
        page.does("DELETE", &format!("/v1/copies/{passport}")).await
    });

    story.so("Every look is shown.");
    assert_eq!(looks(&desk, &attached).await.status, 200);
    let shown: LookPage = story.may("an applicant sees who looked, and why", page.gets("/v1/looks").await).json();
    let [look] = &shown.looks[..] else { panic!("{} looks", shown.looks.len()) };
    assert_eq!((look.acting_for, &*look.looked_by), (Some(centre.edrpou()), &*format!("person:{}", administrator.id)));
    assert_eq!(look.object, format!("copy:{passport}"));
    let none: LookPage = other_page.gets("/v1/looks").await.json();
    assert!(none.looks.is_empty(), "another applicant is shown nothing");
    story.may_not("another applicant reads the application", &other_page.gets(&target).await);
    story.may_not("another applicant withdraws it", &other_page.does("POST", &format!("{target}/withdraw")).await);

    story.so("What is withdrawn is out of sight.");
    story.may("an applicant withdraws", page.does("POST", &format!("{target}/withdraw")).await);
    story.may_not("an administrator looks at what was attached", &looks(&desk, &attached).await);
    story.may_not("an administrator reads the application", &desk.gets(&target).await);
    story.may_not("an applicant attaches to what is withdrawn", &page.does("PUT", &attached).await);
    story.may("an applicant erases the copy", page.does("DELETE", &format!("/v1/copies/{passport}")).await);
    story.may_not("an applicant reads what was erased", &page.gets(&format!("/v1/copies/{passport}")).await);

    story.so("The exchange between agencies is none of an applicant's business.");
    story.may_not("an applicant looks who takes part", &page.gets("/v1/participants").await);
    story.may_not("an applicant lists a mailbox", &{
        page.gets(&format!("/v1/mailboxes/{}/messages", centre.mailbox())).await
    });
    story.ends();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_sees_what_is_attached_while_the_case_is_open() {
    let region = Region::start_with(prepared).await;
    let centre = &region.a;
    let mut story = Story::of("Service-centre administrator");
    let applicant = region.enters_person(None).await;
    let theirs = region.logs_in(Portal::External, &applicant).await;
    let administrator = region.official(Role::CentreAdministrator, centre).await;
    let page = region.logs_in(Portal::Internal, &administrator).await;
    let elsewhere = region.official(Role::CentreAdministrator, &region.b).await;
    let elsewhere = region.logs_in(Portal::Internal, &elsewhere).await;
    let (passport, diploma) =
        (id(&stores(&theirs, "passport").await, "copy_id"), id(&stores(&theirs, "diploma").await, "copy_id"));

    story.so("Before somebody applies, nothing of theirs is here.");
    story.may_not("an administrator reads a person's copy", &page.gets(&format!("/v1/copies/{passport}")).await);
    let application = id(&applies(&theirs, centre).await, "application_id");
    let target = format!("/v1/applications/{application}");
    let (attached, kept) = (format!("{target}/copies/{passport}"), format!("{target}/copies/{diploma}"));
    assert_eq!(theirs.does("PUT", &attached).await.status, 200);

    story.so("While the case is open, what is attached is seen, for a stated purpose, and nothing else.");
    story.may("an administrator lists the applications", page.gets("/v1/applications").await);
    story.may("an administrator reads one", page.gets(&target).await);
    story.may_not("an administrator looks without saying what for", &page.gets(&attached).await);
    story.may_not("an administrator looks out of curiosity", &{
        page.asks(&Request::get(&attached).header("vuzol-purpose", "curiosity")).await
    });
    let seen = story.may("an administrator looks at what is attached", looks(&page, &attached).await);
    assert_eq!(&seen.body[..], b"sealed passport");
    story.may_not("an administrator looks at what is not attached", &looks(&page, &kept).await);
    story.may_not("an administrator of another centre reads the application", &elsewhere.gets(&target).await);
    story.may_not("an administrator of another centre looks", &looks(&elsewhere, &attached).await);
    story.may_not("an administrator withdraws for the applicant", &{
        page.does("POST", &format!("{target}/withdraw")).await
    });

    story.so("The applicant detaches a copy, and it is out of sight at once.");
    assert_eq!(theirs.does("DELETE", &attached).await.status, 200);
    story.may_not("an administrator looks at what was detached", &looks(&page, &attached).await);
    assert_eq!(theirs.does("PUT", &attached).await.status, 200);

    story.so("A closed case is seen as long as its class of retention says: here, a day.");
    story.may_not("an administrator of another centre closes it", &{
        elsewhere.posts(&format!("{target}/close"), &json!({})).await
    });
    story.may("an administrator closes the case", page.posts(&format!("{target}/close"), &json!({})).await);
    story.may("an administrator looks on the same day", looks(&page, &attached).await);
    region.time_passes(Duration::hours(25));
    let page = region.logs_in(Portal::Internal, &administrator).await;
    story.may_not("an administrator looks after the day is over", &looks(&page, &attached).await);

    story.so("A withdrawn case is seen no more.");
    let theirs = region.logs_in(Portal::External, &applicant).await;
    let application = id(&applies(&theirs, centre).await, "application_id");
    let target = format!("/v1/applications/{application}");
    story.may("an administrator reads the new application", page.gets(&target).await);
    assert_eq!(theirs.does("POST", &format!("{target}/withdraw")).await.status, 200);
    story.may_not("an administrator reads what was withdrawn", &page.gets(&target).await);
    let shown: LookPage = theirs.gets("/v1/looks").await.json();
    assert_eq!(shown.looks.len(), 2, "the looks of the story, and no refused one");
    story.ends();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_of_centre_sees_the_cases_and_entrusts_but_looks_at_no_copy() {
    let region = Region::start_with(prepared).await;
    let centre = &region.a;
    let mut story = Story::of("Head of service centre");
    let head = region.official(Role::HeadOfCentre, centre).await;
    let page = region.logs_in(Portal::Internal, &head).await;
    let applicant = region.enters_person(None).await;
    let theirs = region.logs_in(Portal::External, &applicant).await;
    let copy = id(&stores(&theirs, "passport").await, "copy_id");
    let application = id(&applies(&theirs, centre).await, "application_id");
    let attached = format!("/v1/applications/{application}/copies/{copy}");
    assert_eq!(theirs.does("PUT", &attached).await.status, 200);

    story.so("The head sees which cases there are, and leaves what is in them to the administrators.");
    story.may("the head lists the applications", page.gets("/v1/applications").await);
    story.may("the head reads one", page.gets(&format!("/v1/applications/{application}")).await);
    story.may_not("the head looks at what is attached", &looks(&page, &attached).await);
    story.may_not("the head closes the case", &{
        page.posts(&format!("/v1/applications/{application}/close"), &json!({})).await
    });

    story.so("The head entrusts administrators, and no representatives.");
    let clerk = region.enters_person(Some(centre)).await;
    let target = format!("/v1/people/{}/roles", clerk.id);
    let administers = json!({ "role": Role::CentreAdministrator, "participant": centre.edrpou() });
    story.may_not(
        "the head entrusts an administrator, the screen left unlocked",
        &page.posts(&target, &administers).await,
    );
    region.confirms(&page, &head, schemas::session::Deed::GrantRole).await;
    story.may("the head entrusts an administrator", page.posts(&target, &administers).await);
    let represents = json!({ "role": Role::AuthorisedRepresentative, "participant": centre.edrpou() });
    story.may_not("the head entrusts a representative", &page.posts(&target, &represents).await);
    let desk = region.logs_in(Portal::Internal, &clerk).await;
    assert_eq!(looks(&desk, &attached).await.status, 200, "who was entrusted works at once");
    story.ends();
}
