//! There and back by way of an identity provider, as browsers and whoever pretends to be one meet it at the doors.

use super::*;
use crate::outbound::openid::stage::Stage;

/// A node whose portals let in whom a provider of our own vouches for.
struct Vouched {
    region: Region,
    stage: Stage,
}

/// A browser that was sent away.
struct Away {
    /// The cookie of the attempt.
    cookie: String,
    /// The page of the provider that it is at.
    location: String,
}

impl Vouched {
    async fn start() -> Self {
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        let stage = Stage::start(clock.clone()).await;
        let provider = stage.config();
        let region = Region::start_with(clock, |config| config.portals.providers = vec![provider]).await;
        Self { region, stage }
    }

    /// A browser follows an address of the portal.
    async fn goes(&self, portal: Portal, page: &Page, target: &str) -> Answered {
        self.region.asks(portal, page, "GET", target, None).await
    }

    async fn begins(&self, portal: Portal) -> Away {
        let answer = self.goes(portal, &Page::default(), START).await;
        assert_eq!(answer.status, 303, "{}", String::from_utf8_lossy(&answer.body));
        Away { cookie: answer.cookie(), location: answer.header("location").unwrap().to_owned() }
    }

    /// Where the provider sends the browser back to, as path and query.
    fn consents(&self, away: &Away, origin: &str) -> String {
        let back = self.stage.consents(&away.location);
        back.strip_prefix(origin).unwrap_or_else(|| panic!("{back}")).to_owned()
    }

    /// The row of the last refusal or login.
    async fn last_row(&self) -> String {
        // The log takes rows out of the outbox when it numbers them.
        let sql = "-- test
            SELECT p.details FROM (
                SELECT 0 AS later, seq AS place, event_id FROM audit_seq UNION ALL SELECT 1, id, event_id FROM audit_outbox
            ) e JOIN audit_payload p ON p.event_id = e.event_id ORDER BY e.later DESC, e.place DESC LIMIT 1";
        let (_, reader) = open_database(&self.region.database, false).unwrap();
        let row = reader.read("test", move |tx| tx.query_optional(sql, &[], |row| row.text(0)));
        row.await.unwrap().unwrap_or_default()
    }
}

const START: &str = "/v1/logins/openid/gov/start";

/// A browser that comes from another site, with this cookie.
fn from_provider(cookie: &str) -> Page {
    Page { cookie: Some(cookie.to_owned()), site: Some("cross-site".to_owned()), ..Page::default() }
}

fn all<'a>(answer: &'a Answered, name: &str) -> Vec<&'a str> {
    answer.headers.iter().filter(|(found, _)| found == name).map(|(_, value)| value.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_comes_in_by_way_of_a_provider_and_logs_out() {
    let node = Vouched::start().await;
    let page = Page { site: Some("same-origin".to_owned()), ..Page::default() };
    let sent = node.goes(Portal::Internal, &page, &format!("{START}?target=%2Fcases%3Fof%3D1")).await;
    assert_eq!(sent.status, 303, "{}", String::from_utf8_lossy(&sent.body));
    let cookie = sent.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-vuzol-attempt-internal="), "{cookie}");
    assert!(cookie.ends_with("; Max-Age=600; Path=/; Secure; HttpOnly; SameSite=Lax"), "{cookie}");
    assert_eq!((sent.header("cache-control"), sent.header("referrer-policy")), (Some("no-store"), Some("no-referrer")));
    let away = Away { cookie: sent.cookie(), location: sent.header("location").unwrap().to_owned() };
    let back = node.consents(&away, OFFICE);
    let opened = node.goes(Portal::Internal, &from_provider(&away.cookie), &back).await;
    assert_eq!(opened.status, 303, "{}", String::from_utf8_lossy(&opened.body));
    assert_eq!(
        (opened.header("location"), opened.header("referrer-policy")),
        (Some("/cases?of=1"), Some("no-referrer"))
    );
    let cookies = all(&opened, "set-cookie");
    assert_eq!(cookies.len(), 2, "{cookies:?}");
    assert!(
        cookies[0].starts_with("__Host-vuzol-internal=") && cookies[0].ends_with("; SameSite=Strict"),
        "{cookies:?}"
    );
    assert!(cookies[1].starts_with("__Host-vuzol-attempt-internal=; Max-Age=0;"), "{cookies:?}");

    let page = Page { cookie: Some(opened.cookie()), ..Page::of(OFFICE) };
    let read = node.goes(Portal::Internal, &page, "/v1/session").await;
    let view: SessionView = read.json();
    assert_eq!((view.person, view.provider.as_deref()), (node.region.person, Some("gov")));
    assert_eq!(view.ends_at - view.opened_at, Span::hours(2));
    let page = Page { csrf: Some(view.csrf_token), ..page };
    let out = node.region.asks(Portal::Internal, &page, "DELETE", "/v1/session", None).await;
    assert_eq!(out.status, 204);
    assert_eq!(node.goes(Portal::Internal, &page, "/v1/session").await.code(), P::SessionEnded.to_string());
    // What was brought back once brings nobody in again.
    let again = node.goes(Portal::Internal, &from_provider(&away.cookie), &back).await;
    assert_eq!((again.status, again.code()), (422, P::ProviderAttemptInvalid.to_string()));
    assert_eq!(again.header("set-cookie"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_is_begun_from_the_portal_itself_and_leads_back_to_it() {
    let node = Vouched::start().await;
    let told = async |page: &Page, method: &str, target: &str| {
        let answer = node.region.asks(Portal::Internal, page, method, target, None).await;
        (answer.status, if answer.status < 400 || method == "HEAD" { String::new() } else { answer.code() })
    };
    let site = |site: &str| Page { site: Some(site.to_owned()), ..Page::default() };
    for allowed in [Page::default(), site("same-origin"), site("none")] {
        assert_eq!(told(&allowed, "GET", START).await.0, 303);
    }
    for foreign in ["cross-site", "same-site"] {
        assert_eq!(told(&site(foreign), "GET", START).await, (403, P::SessionForeignOrigin.to_string()), "{foreign}");
    }
    for target in ["https://evil.example", "//evil.example", "/%5Cevil.example", "/a%0d%0ax:y", ""] {
        let start = format!("{START}?target={target}");
        assert_eq!(told(&Page::default(), "GET", &start).await, (400, P::MalformedQuery.to_string()), "{target}");
    }
    for (target, status, code) in [
        ("/v1/logins/openid/nobody/start".to_owned(), 404, P::NotFound),
        (format!("{START}?redirect_uri=https://evil.example"), 400, P::MalformedQuery),
    ] {
        assert_eq!(told(&Page::default(), "GET", &target).await, (status, code.to_string()), "{target}");
    }
    for target in [START.to_owned(), "/v1/logins/openid/gov/callback?state=x&code=y".to_owned()] {
        assert_eq!(told(&Page::default(), "HEAD", &target).await.0, 405, "{target}");
    }
    // At the door of the API there is no such login, for who has one.
    let api = node.region.node.public_address();
    let agency = &node.region.site.agencies()[0].login;
    let client = node.region.site.client(&format!("https://localhost:{}", api.port()), agency).unwrap();
    assert_eq!(raw(&client, ::http::Method::GET, START).await, (404, Some(P::NotFound.to_string())));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_back_to_another_browser_portal_or_attempt_is_no_login() {
    let node = Vouched::start().await;
    let (away, other) = (node.begins(Portal::Internal).await, node.begins(Portal::Internal).await);
    let elsewhere = node.begins(Portal::External).await;
    let back = node.consents(&away, OFFICE);
    let value = |cookie: &str| cookie.split_once('=').unwrap().1.to_owned();
    let renamed = format!("__Host-vuzol-attempt-internal={}", value(&elsewhere.cookie));
    let two = format!("{}; {}", away.cookie, other.cookie);
    for page in [
        Page::default(),
        from_provider(&other.cookie),
        from_provider(&elsewhere.cookie),
        from_provider(&renamed),
        from_provider(&two),
        from_provider("__Host-vuzol-attempt-internal="),
    ] {
        let answer = node.goes(Portal::Internal, &page, &back).await;
        assert_eq!((answer.status, answer.code()), (422, P::ProviderAttemptInvalid.to_string()), "{:?}", page.cookie);
        assert_eq!(answer.header("set-cookie"), None);
    }
    for spoilt in
        [back.replace("state=", "state=x"), back.replace("state=", "stat="), back.split_once('?').unwrap().0.to_owned()]
    {
        let answer = node.goes(Portal::Internal, &from_provider(&away.cookie), &spoilt).await;
        assert_eq!(answer.code(), P::ProviderAttemptInvalid.to_string(), "{spoilt}");
    }
    let twice = format!("{back}&code=another");
    let answer = node.goes(Portal::Internal, &from_provider(&away.cookie), &twice).await;
    assert_eq!(answer.code(), P::MalformedQuery.to_string(), "two codes");
    assert_eq!(node.stage.asked("/token"), 0, "no code was shown to the provider");
    assert_eq!(node.goes(Portal::Internal, &from_provider(&away.cookie), &back).await.status, 303, "it is still good");
    // A code of one person's login, put into another's.
    let (mine, theirs) = (node.begins(Portal::Internal).await, node.begins(Portal::Internal).await);
    let (my_back, their_back) = (node.consents(&mine, OFFICE), node.consents(&theirs, OFFICE));
    let code = |back: &str| back.split(['?', '&']).find(|field| field.starts_with("code=")).unwrap().to_owned();
    let injected = their_back.replace(&code(&their_back), &code(&my_back));
    let answer = node.goes(Portal::Internal, &from_provider(&theirs.cookie), &injected).await;
    assert_eq!((answer.status, answer.code()), (422, P::ProviderRefused.to_string()), "its verifier is another's");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_provider_says_is_answered_with_a_code_and_a_row() {
    let node = Vouched::start().await;
    let comes_back = async |change: &dyn Fn(String) -> String| {
        let away = node.begins(Portal::Internal).await;
        let back = change(node.consents(&away, OFFICE));
        node.goes(Portal::Internal, &from_provider(&away.cookie), &back).await
    };
    let declined = comes_back(&|back| back.replace("code=", "error=access_denied&x=")).await;
    assert_eq!((declined.status, declined.code()), (422, P::ProviderRefused.to_string()));
    assert!(node.last_row().await.contains("declined"));
    let mixed = comes_back(&|back| back.replace("iss=https", "iss=http")).await;
    assert_eq!((mixed.status, mixed.code()), (422, P::ProviderAnswerWrong.to_string()));
    assert!(node.last_row().await.contains("mix_up"));
    node.stage.says(|claims| claims["drfocode"] = "0000000009".into());
    let unknown = comes_back(&|back| back).await;
    assert_eq!((unknown.status, unknown.code()), (401, P::LoginRefused.to_string()));
    let row = node.last_row().await;
    assert!(row.contains("unknown_person") && !row.contains("0000000009") && !row.contains("person-1"), "{row}");
    node.stage.says(|claims| drop(claims.as_object_mut().unwrap().remove("drfocode")));
    assert_eq!(comes_back(&|back| back).await.code(), P::LoginNamesNoPerson.to_string());
    node.stage.says(|claims| claims["nonce"] = "another".into());
    assert_eq!(comes_back(&|back| back).await.code(), P::ProviderAnswerWrong.to_string());
    assert!(node.last_row().await.contains("nonce_other"));
    node.stage.behaves();
    node.stage
        .spoils(|question| (question.path == "/token").then(|| Some(crate::outbound::liar::http("500 No", "", b""))));
    let down = comes_back(&|back| back).await;
    assert_eq!(
        (down.status, down.code(), down.header("retry-after")),
        (503, P::ProviderUnavailable.to_string(), Some("10"))
    );
    node.stage.behaves();
    assert_eq!(comes_back(&|back| back).await.status, 303);
}
