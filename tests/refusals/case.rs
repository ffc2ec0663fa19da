//! One refusal: what is done, and how it must be answered.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use schemas::ProblemCode;
use tests::harness::{Answer, Region};

/// What is done, and its answer.
pub(crate) type Deed = for<'r> fn(&'r Region) -> Pin<Box<dyn Future<Output = Answer> + Send + 'r>>;

/// One refusal.
pub(crate) struct Case {
    /// What is wrong, in words.
    pub(crate) what: &'static str,
    /// How it is refused.
    pub(crate) code: ProblemCode,
    /// With which status.
    pub(crate) status: u16,
    /// What is done.
    pub(crate) deed: Deed,
}

/// Makes a case of an async closure over the region.
macro_rules! case {
    ($what:literal, $status:literal $code:ident, |$region:ident| $deed:expr) => {
        $crate::case::Case {
            what: $what,
            code: schemas::ProblemCode::$code,
            status: $status,
            deed: |$region| Box::pin(async move { $deed }),
        }
    };
}
pub(crate) use case;

/// Plays all cases against one node: each is answered as it must be, each has its row in the log.
pub(crate) async fn play(region: &Region, cases: &[Case]) {
    let mut expected: BTreeMap<ProblemCode, usize> = BTreeMap::new();
    for case in cases {
        let answer = (case.deed)(region).await;
        check(case, &answer);
        *expected.entry(case.code).or_default() += 1;
    }
    let book = region.book().await;
    for (code, times) in expected {
        assert!(book.refusals(code) >= times, "{code}: {} rows in the log for {times} refusals", book.refusals(code));
    }
}

/// The answer is the problem that the case says, complete and in both languages.
pub(crate) fn check(case: &Case, answer: &Answer) {
    let Case { what, code, status, .. } = case;
    let body = String::from_utf8_lossy(&answer.body);
    assert_ne!(answer.status, 500, "{what}: {body}");
    let problem = answer.problem();
    assert_eq!((problem.code.as_str(), answer.status), (code.as_str(), *status), "{what}: {body}");
    assert_eq!(problem.status, *status, "{what}");
    assert_eq!(problem.kind, code.type_uri(), "{what}");
    assert_eq!((problem.title.as_str(), problem.title_uk.as_str()), (code.text_en(), code.text_uk()), "{what}");
    let request = answer.header("vuzol-request-id").expect("every answer has the request's number");
    assert_eq!(problem.instance, format!("urn:uuid:{request}"), "{what}");
}

/// Nothing of a refused submission stays: no message, no object. What was staged is removed in the background.
pub(crate) async fn nothing_is_stored(region: &Region) {
    let store = region.store();
    assert_eq!(store.messages().await, 0, "messages in the database");
    for _ in 0..100 {
        if store.objects().is_empty() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(store.objects(), Vec::<String>::new(), "objects in the store");
}
