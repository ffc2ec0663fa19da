//! What users of other exchange systems complain of in public, each as a test against a running node: what happened to them must not
//! happen here. The origin stands above each test, product and number, as its users reported it.
//!
//! | complaint | origin | test |
//! |---|---|---|
//! | duplicates detected but still delivered | Holodeck B2B #117 | [`delivery::duplicates_under_retry_storms_are_delivered_once`] |
//! | duplicate of a failed message gets a receipt | Holodeck B2B #142 | [`intake::a_duplicate_of_what_failed_gets_no_receipt`] |
//! | a failed message is delivered later | Holodeck B2B #140 | [`delivery::what_has_failed_is_never_delivered_later`] |
//! | receipt, and failure right after it | Holodeck B2B #128, #90 | [`delivery::one_message_never_has_an_acceptance_and_a_refusal`] |
//! | errors do not reach the business | Holodeck B2B #85 | [`intake::every_failure_is_told_to_the_business`] |
//! | unsigned, unencrypted messages are accepted | phase4 #162 | [`intake::nothing_unsigned_is_accepted_and_nothing_unsealed_is_kept`] |
//! | one error for everything about an id | phase4 #223 | [`intake::a_reused_key_has_a_code_and_words_of_its_own`] |
//! | receipts that name attachments they lack | phase4 #17, #36 | [`intake::a_receipt_names_every_part_and_no_other`] |
//! | load, collapse, duplicates | phoss-ap #68 | [`delivery::a_storm_is_shed_and_what_was_acknowledged_arrives_once`] |
//! | rejected messages cannot be searched | phase4-peppol-standalone #7 | [`intake::rejected_submissions_are_found_with_their_reasons`] |
//! | XXE, DTD | phase4 #318 | [`intake::a_document_type_is_refused_and_nothing_is_fetched_for_it`] |
//! | messages hang without the recipient's certificate | eFormidling #295 | [`directory::a_recipient_without_a_certificate_is_known_beforehand`] |
//! | several delivery receipts on retry | eFormidling #405 | [`delivery::a_repeated_acknowledgement_makes_no_second_receipt`] |
//! | one bad receipt blocks the poller | eFormidling PR #1087 | [`relay::one_bad_message_holds_up_no_other`] |
//! | the receiver's failure is seen as an expiry only | digdir/roadmap #68 | [`relay::a_refusal_of_the_receiving_node_reaches_the_sender`] |
//! | dead letters without a word to the sender | eFormidling PR #818 | [`relay::the_sender_of_a_dead_letter_is_told_with_evidence`] |
//! | command line and SOAP instead of REST | Oxalis #252 | [`directory::a_whole_delivery_needs_only_http_and_json`] |
//! | nobody knows who is connected | sevhelper of ua.gov.court | [`directory::who_takes_part_is_found_by_name_and_seen_when_last_there`] |

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod delivery;
mod directory;
mod intake;
mod relay;

use schemas::evidence::EvidenceStatement;
use tests::harness::{Agency, Answer, Form, Region};

/// Submits a signed document from A to B by hand, and returns whatever is answered.
async fn submits(region: &Region, key: &str, signature: &[u8], document: &[u8]) -> Answer {
    let envelope = serde_json::to_vec(&region.a.envelope(&region.b.mailbox())).expect("JSON");
    let form = Form::submission(&envelope, signature, document);
    region.wire(Some(region.a.login())).asks(&form.request(key)).await
}

/// The codes of ETSI EN 319 522, for example `A.1`.
fn codes(statements: &[EvidenceStatement]) -> Vec<&'static str> {
    statements.iter().map(|statement| statement.kind.code()).collect()
}

/// Leases and accepts whatever waits for an agency, until nothing does. Returns the documents.
async fn takes_everything(agency: &Agency) -> Vec<Vec<u8>> {
    let mut documents = Vec::new();
    loop {
        let lease = agency.leases(50).await.expect("a lease");
        if lease.messages.is_empty() {
            return documents;
        }
        for message in &lease.messages {
            let opened = agency.opens(&lease, message).await.expect("an opened document");
            let id = message.summary.message_id;
            agency.accepts(lease.token, id, &opened.document).await.expect("an acceptance");
            documents.push(opened.document);
        }
    }
}
