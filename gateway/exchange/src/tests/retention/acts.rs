//! Acts before they are carried out: who signs them, what they cannot be.

use super::*;

#[tokio::test]
async fn two_persons_sign_an_act_and_each_is_of_the_commission() {
    let town = Town::new().await;
    town.accepted_letters(1).await;
    town.time_passes(Duration::days(2));
    let act = town.node.draws("1", "standard").await.unwrap().act_id;
    let stranger = issue(&town.pki, None, Usage::Signing, |profile| profile.rnokpp = Some("3333333333".to_owned()));
    for signer in [&stranger, &town.a.signer] {
        let refused = town.node.adds(act, town.signature(signer, act).await).await;
        assert_eq!(code(refused), ProblemCode::SignerNotOfCommission);
    }
    let first = town.signature(&town.commission[0], act).await;
    town.node.adds(act, first.clone()).await.unwrap();
    // The same bytes are a repeat; another signature of the same person, by whatever certificate, is none.
    assert_eq!(town.node.adds(act, first).await.unwrap().signatures, 1);
    for same in [0, 2] {
        assert_eq!(code(town.signs_act(same, act).await), ProblemCode::DisposalSamePerson);
    }
    assert_eq!(town.node.act(act).await.summary.state, ActState::Open);
    assert_eq!(town.signs_act(1, act).await.unwrap().state, ActState::Executing);
    assert_eq!(code(town.signs_act(2, act).await), ProblemCode::DisposalActClosed);
    assert_eq!(code(town.node.withdraws(act).await), ProblemCode::DisposalActClosed);
}

/// Two signatures that come at once are two, and those of one person are one.
#[tokio::test]
async fn signatures_that_come_at_once_count_as_they_would_one_after_the_other() {
    let town = Town::new().await;
    town.accepted_letters(1).await;
    town.time_passes(Duration::days(2));
    let act = town.node.draws("1", "standard").await.unwrap().act_id;
    let (one, two) = tokio::join!(town.signs_act(0, act), town.signs_act(2, act));
    let refused = [one, two].into_iter().filter_map(Result::err).map(|refusal| refusal.code).collect::<Vec<_>>();
    assert_eq!(refused, [ProblemCode::DisposalSamePerson]);
    town.node.withdraws(act).await.unwrap();
    let act = town.node.draws("1", "standard").await.unwrap().act_id;
    let (one, two) = tokio::join!(town.signs_act(0, act), town.signs_act(1, act));
    let states = [one.unwrap(), two.unwrap()].map(|signed| signed.signatures);
    assert!(states.contains(&1) && states.contains(&2), "{states:?}");
    assert_eq!(town.node.act(act).await.summary.state, ActState::Executing);
}

#[tokio::test]
async fn a_changed_act_has_no_signature_and_cannot_be_put_in_the_place_of_the_signed_one() {
    let town = Town::new().await;
    town.accepted_letters(1).await;
    town.time_passes(Duration::days(2));
    let act = town.node.draws("1", "standard").await.unwrap().act_id;
    let document = STANDARD.decode(town.node.act(act).await.document).unwrap();
    let changed = String::from_utf8(document.clone()).unwrap().replace("вилучити", "вилучити усе");
    let refused = town.node.adds(act, town.signs(&town.commission[0], changed.as_bytes())).await;
    assert_eq!(code(refused), ProblemCode::SignatureOverOtherContent);
    let attached = town.cms(&town.commission[0], signing::cades::Content::Attached(&document));
    assert_eq!(code(town.node.adds(act, attached).await), ProblemCode::SignatureFormat);
    assert_eq!(code(town.node.adds(act, b"no signature".to_vec()).await), ProblemCode::SignatureUnreadable);
    town.pki.revoke(&town.commission[0].certificate, storage::Clock::now(&*town.clock) - Duration::hours(1), 1);
    assert_eq!(code(town.signs_act(0, act).await), ProblemCode::SignerRevoked);

    for sql in [
        "UPDATE disposal_document SET document = x'7b7d'",
        "UPDATE disposal_act SET sha256 = zeroblob(32)",
        "UPDATE disposal_act SET done = 1, state = 'executing'; UPDATE disposal_act SET done = 0",
        "DELETE FROM disposal_document",
        "DELETE FROM disposal_act",
    ] {
        let statements: Vec<&'static str> = sql.split("; ").collect();
        let done = town
            .node
            .writer
            .run_tx("test", move |tx| statements.iter().try_for_each(|sql| tx.execute(sql, &[]).map(drop)));
        assert!(done.await.is_err(), "{sql}");
    }
}

#[tokio::test]
async fn numbers_of_acts_are_unique_until_one_is_withdrawn() {
    let town = Town::new().await;
    assert_eq!(code(town.node.draws("1", "standard").await), ProblemCode::NothingDue);
    town.accepted_letters(1).await;
    town.time_passes(Duration::days(2));
    let act = town.node.draws("1", "standard").await.unwrap();
    assert_eq!(code(town.node.draws("1", "standard").await), ProblemCode::DisposalNumberTaken);
    town.node.withdraws(act.act_id).await.unwrap();
    assert_eq!(code(town.node.withdraws(act.act_id).await), ProblemCode::DisposalActClosed);
    assert_eq!(code(town.signs_act(0, act.act_id).await), ProblemCode::DisposalActClosed);
    // Acts of one millisecond are in no order.
    town.time_passes(Duration::seconds(1));
    let again = town.node.draws("1", "standard").await.unwrap();
    let page = town.node.exchange.acts(may::<ReadRetention>(&town.node).await, None, 1).await.unwrap();
    assert_eq!(page.next_after, Some(act.act_id));
    assert_eq!(page.acts[0].state, ActState::Withdrawn);
    let page = town.node.exchange.acts(may::<ReadRetention>(&town.node).await, page.next_after, 1).await.unwrap();
    assert_eq!((page.acts, page.next_after), (vec![again], None));
    let nowhere = DisposalActId::from_parts(1, [1; 10]);
    assert_eq!(code(town.node.withdraws(nowhere).await), ProblemCode::NotFound);
    assert_eq!(code(town.node.adds(nowhere, Vec::new()).await), ProblemCode::NotFound);
}

#[test]
fn classes_and_a_commission_that_cannot_be_used_are_refused() {
    let pki = certs::dev::DevPki::new(crate::tests::town::NOON, Duration::days(60), "http://ocsp.example/").unwrap();
    let member = |name: &str, code: &str| {
        let identity = issue(&pki, None, Usage::Signing, |profile| {
            profile.common_name = name.to_owned();
            profile.rnokpp = Some(code.to_owned());
        });
        identity.certificate
    };
    let classes = |name: &str, keep| BTreeMap::from([(name.parse().unwrap(), keep)]);
    let usual = || classes("standard", Keep::Days(1));
    let with = |classes, commission| Retention::new(classes, commission).map(drop).unwrap_err();
    assert_eq!(with(classes("other", Keep::Permanent), vec![]), Unusable::NoDefault);
    for days in [0, 36_526] {
        assert_eq!(with(classes("standard", Keep::Days(days)), vec![]), Unusable::Days("standard".parse().unwrap()));
    }
    let many = (0..64).map(|n| (format!("c{n}").parse().unwrap(), Keep::Permanent)).chain(usual()).collect();
    assert_eq!(with(many, vec![]), Unusable::TooMany);
    let (one, renewed) = (member("one", "1111111111"), member("two", "1111111111"));
    assert_eq!(with(usual(), vec![one.clone()]), Unusable::Alone);
    assert_eq!(with(usual(), vec![one.clone(), renewed]), Unusable::Alone);
    let two = member("two", "2222222222");
    assert!(Retention::new(usual(), vec![one, two]).is_ok());
}

/// That no participant may is the policies' matter; here nobody else is asked.
#[tokio::test]
async fn nobody_but_operators_disposes() {
    let town = Town::new().await;
    let actors: [&Actor; 2] = [&town.a.actor, &town.b.actor];
    for actor in actors {
        assert!(town.node.access.decide::<DisposeMessages>(actor, ()).await.is_err());
        assert!(town.node.access.decide::<SetHold>(actor, ()).await.is_err());
        assert!(town.node.access.decide::<ReadRetention>(actor, ()).await.is_err());
    }
}
