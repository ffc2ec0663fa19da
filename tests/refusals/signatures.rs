//! Signatures that must not be believed.

use certs::dev::{Identity, Usage};
use tests::harness::agency::fresh_key;
use tests::harness::{Answer, Form, Region, pdf};

use crate::case::{Case, case, check, nothing_is_stored, play};
use crate::handmade;

/// Submits a sound letter with that file as its signature.
async fn with(region: &Region, signature: &[u8]) -> Answer {
    let envelope = serde_json::to_vec(&region.a.envelope(&region.b.mailbox())).expect("JSON");
    let form = Form::submission(&envelope, signature, &pdf("letter"));
    region.wire(Some(region.a.login())).asks(&form.request(&fresh_key())).await
}

async fn signed_by(region: &Region, signer: &Identity) -> Answer {
    with(region, &region.a.signs_as(signer, &pdf("letter"))).await
}

/// The signature with one bit of its last byte changed: within the value, since no unsigned attributes follow.
fn spoilt_value(region: &Region) -> Vec<u8> {
    let mut signature = region.a.signs(&pdf("letter"));
    if let Some(last) = signature.last_mut() {
        *last ^= 1;
    }
    signature
}

/// The signature with its certificate changed, so that the signed reference no longer names it.
fn spoilt_certificate(region: &Region) -> Vec<u8> {
    let mut signature = region.a.signs(&pdf("letter"));
    let certificate = region.a.signer().certificate.der();
    let at = signature.windows(certificate.len()).position(|window| window == certificate).expect("it is in there");
    // The last byte belongs to the issuer's signature value: the certificate still parses.
    signature[at + certificate.len() - 1] ^= 1;
    signature
}

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case!("an empty signature", 422 SignatureUnreadable, |r| with(r, b"").await),
        case!("noise", 422 SignatureUnreadable, |r| with(r, &[0x5a; 3000]).await),
        case!("half a signature", 422 SignatureUnreadable, |r| {
            let signature = r.a.signs(&pdf("letter"));
            with(r, &signature[..signature.len() / 2]).await
        }),
        case!("a thousand sequences in each other", 422 SignatureUnreadable, |r| with(r, &b"\x30\x80".repeat(1000)).await),
        case!("a certificate instead of a signature", 422 SignatureUnreadable, |r| {
            with(r, r.a.signer().certificate.der()).await
        }),
        case!("a signature file without signatures", 422 SignatureMissing, |r| with(r, &handmade::without_signers()).await),
        case!("a signature over another document", 422 SignatureOverOtherContent, |r| {
            with(r, &r.a.signs(&pdf("another letter"))).await
        }),
        case!("one bit of the document changed", 422 SignatureOverOtherContent, |r| {
            let mut changed = pdf("letter").to_vec();
            changed[20] ^= 1;
            with(r, &r.a.signs(&changed)).await
        }),
        case!("one bit of the value changed", 422 SignatureValueWrong, |r| with(r, &spoilt_value(r)).await),
        case!("another certificate than was signed with", 422 SignerUnidentified, |r| {
            with(r, &spoilt_certificate(r)).await
        }),
        case!("a signer of an authority that nobody trusts", 422 SignerUntrusted, |r| {
            signed_by(r, &r.ground.foreign(&r.a, Usage::Signing).1).await
        }),
        case!("an expired signer", 422 SignerExpired, |r| {
            signed_by(r, &r.ground.issues_expired(&r.a, Usage::Signing)).await
        }),
        case!("a revoked signer", 422 SignerRevoked, |r| {
            signed_by(r, &r.ground.issues_revoked(&r.a, Usage::Signing)).await
        }),
        case!("a suspended signer", 422 SignerSuspended, |r| {
            signed_by(r, &r.ground.issues_suspended(&r.a, Usage::Signing)).await
        }),
        case!("a signature without signed attributes", 422 SignatureConstraints, |r| {
            with(r, &handmade::without_attributes(r.a.signer(), &pdf("letter"))).await
        }),
        case!("a signature with SHA-1", 422 SignatureWeakAlgorithm, |r| {
            with(r, &handmade::with_sha1(r.a.signer(), &pdf("letter"))).await
        }),
        case!("a signature by an encryption key", 422 SignatureConstraints, |r| {
            signed_by(r, &r.ground.issues(&r.a, Usage::Encryption, |_| ())).await
        }),
        case!("a signature around its own copy of the document", 422 SignatureFormat, |r| {
            with(r, &r.a.signs_attached(&pdf("letter"))).await
        }),
        case!("a signer of another organisation", 422 SignerNotOfSender, |r| signed_by(r, r.b.signer()).await),
        case!("a signer of no organisation", 422 SignerNotOfSender, |r| {
            let person = r.ground.issues(&r.a, Usage::Signing, |p| (p.edrpou, p.organisation) = (None, None));
            signed_by(r, &person).await
        }),
    ]
}

/// The responder of the signer's authority does not answer. On a region whose services have stopped.
pub(crate) fn status_unknown() -> Case {
    case!("a signer whose status nobody knows", 503 SignerStatusUnknown, |r| {
        signed_by(r, &r.ground.issues(&r.a, Usage::Signing, |_| ())).await
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_signed_as_it_must_be_becomes_no_message() {
    let region = Region::start().await;
    play(&region, &cases()).await;
    nothing_is_stored(&region).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_authoritys_word_a_signer_is_not_believed() {
    let mut region = Region::start().await;
    // After a first letter everybody's status is fresh in the node's cache, except that of a signer whom it never saw.
    region.a.submits(pdf("before")).to(&region.b.mailbox()).await.expect("a receipt");
    region.ground.services_stop();
    let case = status_unknown();
    let answer = (case.deed)(&region).await;
    check(&case, &answer);
    assert!(answer.header("retry-after").is_some(), "the caller is told when to come back");
    assert_eq!(region.store().messages().await, 1, "the first letter and nothing else");
}
