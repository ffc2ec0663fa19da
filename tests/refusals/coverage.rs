//! Every code of `schemas::problem` is provoked by a case of these tests, or stands here with the reason why not.

use std::collections::BTreeSet;

use schemas::ProblemCode;

use crate::{
    announcements, applicants, logins, messages, people, quotas, requests, retention, routing, scanning, sessions,
    signatures, submissions, subscriptions,
};

/// Why a code of an import is no answer to a request.
const OF_A_ROW: &str =
    "told of a row in the answer to a dry run, which is no refusal: access's own tests bring each about";

/// Codes that no request of a client can bring about on a sound node.
const NOT_PROVOKED: &[(ProblemCode, &str)] = &[
    (ProblemCode::Internal, "a request that brings it about is a defect; every test asserts that it does not come"),
    (ProblemCode::Overloaded, "needs a writer that is slower than the disk is: storage's own tests fill its queue"),
    (
        ProblemCode::StorageUnavailable,
        "needs a failing disk: gateway/src/http maps it, storage's own tests bring it about",
    ),
    (ProblemCode::NoSpace, "needs a node whose disk is nearly full: tests/log_failures has one"),
    (ProblemCode::LogUnwitnessed, "needs hours without witnesses: the journeys have them"),
    (ProblemCode::BreakGlassOwn, BREAK_GLASS),
    (ProblemCode::BreakGlassReason, BREAK_GLASS),
    (ProblemCode::BreakGlassOpen, BREAK_GLASS),
    (ProblemCode::BreakGlassUnreviewed, BREAK_GLASS),
    (ProblemCode::BreakGlassOver, BREAK_GLASS),
    (ProblemCode::BreakGlassNotOver, BREAK_GLASS),
    (ProblemCode::BreakGlassReviewed, BREAK_GLASS),
    (ProblemCode::AuditFilterWrong, WATCHING),
    (ProblemCode::AuditRangeWrong, WATCHING),
    (ProblemCode::AlertRemarkWrong, WATCHING),
    (ProblemCode::AlertSeenBefore, WATCHING),
    (ProblemCode::ErasureGroundWrong, ERASING),
    (ProblemCode::ErasureOwn, ERASING),
    (ProblemCode::ErasureNothing, ERASING),
    (ProblemCode::ErasureHeld, ERASING),
    (
        ProblemCode::ErasureTooMuch,
        "needs a hundred thousand entries about one person: the bound is a constant beside its one use",
    ),
    (ProblemCode::ErasureNotSealed, ERASING),
    (
        ProblemCode::BundleRefused,
        "no answer to a request: recorded of a file; access's own tests bring it about, and gateway/src/policies_tests.rs",
    ),
    (
        ProblemCode::QuotaAnnounced,
        "needs a thousand announcements that are open: the exchange's own tests put them there",
    ),
    (ProblemCode::PeerConfigured, PEERS),
    (ProblemCode::PeerChanged, PEERS),
    (ProblemCode::QuotaHeld, "needs a thousand submissions that wait: the exchange's own tests put them there"),
    (ProblemCode::KeyDestroyed, "needs a ring key that was destroyed: the exchange's own tests destroy one"),
    (ProblemCode::KeyUnavailable, "needs a ring that is gone: the exchange's own tests take it away"),
    (ProblemCode::EvidenceUnavailable, "needs a token that is pulled out: tests/oracles has one"),
    (ProblemCode::ProviderAttemptInvalid, AT_A_PORTAL),
    (ProblemCode::ProviderRefused, AT_A_PORTAL),
    (ProblemCode::ProviderAnswerWrong, AT_A_PORTAL),
    (ProblemCode::ProviderUnavailable, AT_A_PORTAL),
    (
        ProblemCode::SessionWithoutCertificate,
        "needs a session that a provider vouched for: access's own tests of decisions have people of both kinds",
    ),
    (ProblemCode::RelayEvidenceWrong, "only another node can bring it about: the exchange's own tests do"),
    (ProblemCode::ImportTableWrong, OF_A_ROW),
    (ProblemCode::ImportColumns, OF_A_ROW),
    (ProblemCode::ImportValueWrong, OF_A_ROW),
    (ProblemCode::ImportRowRepeated, OF_A_ROW),
    (ProblemCode::ImportDiffers, OF_A_ROW),
    (ProblemCode::ImportPersonUnknown, OF_A_ROW),
    (ProblemCode::RelayConflict, "only another node can bring it about"),
    (ProblemCode::RelayIncomplete, "only another node can bring it about"),
    (
        ProblemCode::RelayTooEarly,
        "only another node can bring it about: the exchange's own tests do, by losing answers",
    ),
];

/// The stage of these tests is a node on its own.
const PEERS: &str = "needs a node with peers: tests/journeys/peers.rs has one, and access's own tests of peers";

/// Systems and operators have no part in it.
const BREAK_GLASS: &str = "needs a person's session: access's own tests of break-glass access have people, and gateway/src/break_glass_tests.rs";

/// So with the log.
const WATCHING: &str = "needs a security officer's session: gateway/src/audit_tests.rs has one";

/// It takes two of them.
const ERASING: &str = "needs the sessions of two security officers: gateway/src/erasure_tests.rs has them";

/// The stage of these tests has no portal and no people.
const AT_A_PORTAL: &str =
    "needs a person at a portal: access's own tests have one, and gateway/src/portal_tests.rs through its doors";

#[test]
fn every_code_is_provoked_or_has_its_reason() {
    let mut cases = logins::cases();
    cases.extend(requests::cases());
    cases.extend(submissions::cases());
    cases.extend(signatures::cases());
    cases.extend(messages::cases());
    cases.extend(routing::cases());
    cases.extend(people::cases());
    cases.extend([people::without_key()]);
    cases.extend(applicants::cases());
    cases.extend(retention::cases());
    cases.extend(announcements::cases());
    cases.extend([announcements::without_ring(), announcements::lapsed()]);
    cases.extend(scanning::cases());
    cases.extend(sessions::cases());
    cases.extend([scanning::unreachable()]);
    cases.extend(subscriptions::cases());
    cases.extend([logins::flood(), requests::too_early(), requests::silence(), submissions::reused_key()]);
    cases.extend([signatures::status_unknown(), logins::status_unknown(), submissions::recipient_unknown()]);
    cases.extend([submissions::metadata_demanded()]);
    cases.extend([quotas::requests(), quotas::bytes(), quotas::concurrent(), quotas::full()]);
    let provoked: BTreeSet<ProblemCode> = cases.iter().map(|case| case.code).collect();
    let excused: BTreeSet<ProblemCode> = NOT_PROVOKED.iter().map(|(code, _)| *code).collect();
    let all: BTreeSet<ProblemCode> = ProblemCode::ALL.iter().copied().collect();
    assert_eq!(provoked.intersection(&excused).collect::<Vec<_>>(), Vec::<&ProblemCode>::new(), "excused and provoked");
    let covered: BTreeSet<ProblemCode> = provoked.union(&excused).copied().collect();
    assert_eq!(all.difference(&covered).collect::<Vec<_>>(), Vec::<&ProblemCode>::new(), "neither");
}
