use certs::dev::Usage;
use schemas::ProblemCode::{self, MalformedJson, NotFound};

use super::*;
use crate::town::Town;

const AGENCY: &str = "00000001";

fn digest(certificate: &Certificate) -> CertificateDigest {
    certificate.fingerprint().into()
}

fn of(certificate: &Certificate, purposes: &[TrustPurpose]) -> TrustStatement {
    TrustStatement { purposes: purposes.to_vec(), der: Some(STANDARD.encode(certificate.der())) }
}

fn code(error: StatementError) -> ProblemCode {
    match error {
        StatementError::Invalid { code, .. } => code,
        StatementError::Store(error) => panic!("{error}"),
    }
}

async fn state(town: &Town, certificate: &Certificate, purposes: &[TrustPurpose]) -> Result<(), StatementError> {
    let sha256 = digest(certificate);
    let statement = Statement::check(sha256, &of(certificate, purposes), || None)?;
    let permit = town.access.decide::<SetTrust>(&town.operator(), sha256).await.unwrap();
    Statements::new(town.ledger.clone()).state(permit, statement).await
}

#[tokio::test]
async fn what_is_stated_is_kept_with_its_audit_row_until_it_is_withdrawn() {
    let town = Town::new();
    let statements = Statements::new(town.ledger.clone());
    let root = town.responder.pki.root().clone();
    state(&town, &root, &[TrustPurpose::Login, TrustPurpose::Signing, TrustPurpose::Login]).await.unwrap();
    let all = statements.all().await.unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!(
        (all[0].certificate(), all[0].purposes()),
        (Some(&root), &[TrustPurpose::Signing, TrustPurpose::Login][..])
    );
    state(&town, &root, &[]).await.unwrap();
    assert_eq!(statements.all().await.unwrap()[0].purposes(), []);
    let permit = town.access.decide::<SetTrust>(&town.operator(), digest(&root)).await.unwrap();
    statements.withdraw(permit.clone()).await.unwrap();
    assert_eq!(statements.all().await.unwrap(), []);
    assert_eq!(code(statements.withdraw(permit).await.unwrap_err()), NotFound);
    let (operator, object) = (town.operator().pseudonym(), format!("\"certificate:{}\"", digest(&root)));
    let row = |action: &str| format!("{action} {operator} {object}");
    assert_eq!(town.audited().await, [row("trust.set"), row("trust.set"), row("trust.withdraw")]);
}

#[tokio::test]
async fn what_cannot_be_is_not_stated() {
    let town = Town::new();
    let (root, other) = (town.responder.pki.root().clone(), town.issue(AGENCY, Usage::Signing).certificate);
    let check = |statement: &TrustStatement| Statement::check(digest(&root), statement, || None).map(drop);
    let signing = vec![TrustPurpose::Signing];
    for wrong in [
        TrustStatement { purposes: signing.clone(), der: None },
        TrustStatement { purposes: signing.clone(), der: Some("***".to_owned()) },
        TrustStatement { purposes: signing.clone(), der: Some(STANDARD.encode(b"no certificate")) },
        of(&other, &signing),
    ] {
        assert_eq!(code(check(&wrong).unwrap_err()), MalformedJson, "{wrong:?}");
    }
    check(&TrustStatement { purposes: Vec::new(), der: None }).unwrap();
    let known =
        Statement::check(digest(&root), &TrustStatement { purposes: signing, der: None }, || Some(root.clone()));
    assert_eq!(known.unwrap().certificate(), Some(&root));
    // A permit for one certificate serves no other.
    let statement = Statement::check(digest(&other), &of(&other, &[]), || None).unwrap();
    let permit = town.access.decide::<SetTrust>(&town.operator(), digest(&root)).await.unwrap();
    let refused = Statements::new(town.ledger.clone()).state(permit, statement).await;
    assert_eq!(code(refused.unwrap_err()), MalformedJson);
    assert_eq!(town.audited().await, Vec::<String>::new());
}

#[tokio::test]
async fn another_process_reads_the_same_and_the_way_back_needs_no_login() {
    let town = Town::new();
    let root = town.responder.pki.root().clone();
    state(&town, &root, &[TrustPurpose::Intermediate]).await.unwrap();
    let statements = Statements::new(town.ledger.clone());
    statements.withdraw_offline(digest(&root)).await.unwrap();
    assert_eq!(statements.all().await.unwrap(), []);
    assert!(town.audited().await.pop().unwrap().starts_with("trust.withdraw node "));
}
