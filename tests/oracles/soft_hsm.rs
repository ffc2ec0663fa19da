//! SoftHSM, where it is at hand: a node whose evidence key is in a token, the token pulled out and put back. Elsewhere the tests say that they
//! are skipped.
//!
//! The module runs inside the node's process, and learns from a variable where its tokens are: so the nodes are processes of their own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use gateway::client::ClientError;
use gateway::config::{KeySource, TokenConfig};
use schemas::message::MessageState;
use serde_json::Value;
use storage::clock::SystemClock;
use tests::harness::agency::fresh_key;
use tests::harness::{Agency, Form, Ground, NodeProcess, Wire, pdf};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Where distributions put the module.
const MODULES: [&str; 4] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
];

pub(super) const PIN: &str = "31415926";

#[allow(clippy::print_stdout, reason = "a skipped test says so")]
pub(super) fn module() -> Option<PathBuf> {
    let module = MODULES.iter().map(PathBuf::from).find(|path| path.exists());
    let module = module.filter(|_| Command::new("softhsm2-util").arg("--version").output().is_ok());
    if module.is_none() {
        println!("skipped: SoftHSM is not there");
    }
    module
}

/// A node's ground with a token beside it.
struct Vault {
    ground: Ground,
    folder: PathBuf,
}

impl Vault {
    /// The evidence key lies in a token; the file that it was made in is gone.
    async fn with(module: PathBuf) -> Self {
        let mut ground = Ground::lay(Arc::new(SystemClock), 2, None).await;
        ground.settle();
        let folder = ground.site.directory().join("vault");
        std::fs::create_dir_all(folder.join("tokens")).expect("a folder");
        let settings = format!("directories.tokendir = {}\nlog.level = ERROR\n", folder.join("tokens").display());
        std::fs::write(folder.join("softhsm.conf"), settings).expect("a file");
        std::fs::write(folder.join("pin"), format!("{PIN}\n")).expect("a file");
        let KeySource::File(key) = ground.config.evidence.key.clone() else { panic!("a site has its key in a file") };
        ground.config.evidence.key = KeySource::Token(TokenConfig {
            module,
            token_label: "vuzol".to_owned(),
            key_label: "evidence".to_owned(),
            pin_file: folder.join("pin"),
            sessions: 2,
        });
        let vault = Self { ground, folder };
        vault.tool(&["--init-token", "--free", "--label", "vuzol", "--pin", PIN, "--so-pin", "27182818"]);
        vault.imports(&key, "evidence", "01");
        std::fs::remove_file(key).expect("the key is in the token alone");
        vault
    }

    fn tool(&self, arguments: &[&str]) {
        let mut tool = Command::new("softhsm2-util");
        let output = tool.env("SOFTHSM2_CONF", self.folder.join("softhsm.conf")).args(arguments).output();
        let output = output.expect("softhsm2-util runs");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn imports(&self, key: &Path, label: &str, id: &str) {
        let key = key.display().to_string();
        self.tool(&["--import", &key, "--token", "vuzol", "--label", label, "--id", id, "--pin", PIN]);
    }

    fn node(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_node"));
        command.env("SOFTHSM2_CONF", self.folder.join("softhsm.conf"));
        command
    }

    async fn starts(&self) -> NodeProcess {
        NodeProcess::start_with(self.node(), &self.ground).await
    }

    /// What a node says that does not start.
    fn fails(&self) -> String {
        let mut command = self.node();
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("VUZOL_")) {
            command.env_remove(name);
        }
        let output = command.args(["serve", "--migrate", "--config"]).arg(self.ground.save()).output().expect("a node");
        assert!(!output.status.success(), "it started");
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat()
    }

    /// Pulls the token out, or puts it back.
    fn moves_token(&self, is_there: bool) {
        let (inside, outside) = (self.folder.join("tokens"), self.folder.join("pulled-out"));
        let (from, to) = if is_there { (outside, &inside) } else { (inside.clone(), &self.folder.join("pulled-out")) };
        std::fs::rename(from, to).expect("the token moves");
        if !is_there {
            std::fs::create_dir(inside).expect("an empty folder of tokens");
        }
    }

    async fn agencies(&self) -> [Agency; 2] {
        let [a, b] = [0, 1].map(|index| self.ground.agency(index));
        let operator = self.ground.operator();
        for agency in [&a, &b] {
            self.ground.registers(&operator, agency).await;
        }
        self.ground.opens_channel(&operator, &a, &b.mailbox()).await;
        [a, b]
    }

    /// Status and body of `/health/ready`.
    async fn readiness(&self) -> (u16, Value) {
        let door: SocketAddr = self.ground.config.listen.operator;
        let mut line = tokio::net::TcpStream::connect(door).await.expect("the operator's port");
        line.write_all(b"GET /health/ready HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            .await
            .expect("a question");
        let mut answer = String::new();
        line.read_to_string(&mut answer).await.expect("an answer");
        let status = answer.get(9..12).and_then(|digits| digits.parse().ok()).expect("a status");
        let body = answer.split_once("\r\n\r\n").expect("a body").1;
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_its_key_in_a_token_issues_evidence_that_verifies() {
    let Some(module) = module() else { return };
    let vault = Vault::with(module).await;
    let _node = vault.starts().await;
    let [a, b] = vault.agencies().await;
    assert_eq!(vault.readiness().await.1["evidence"], serde_json::json!({ "signs": true, "problem": null }));
    // Many more at once than there are sessions.
    let letters: Vec<_> = (0..40).map(|number| pdf(&format!("Letter {number}."))).collect();
    let receipts = join_all(letters.iter().map(|letter| a.submits(letter.clone()).to(&b.mailbox()).made())).await;
    let certificate = vault.ground.site.evidence_certificate();
    for receipt in receipts {
        let (receipt, _) = receipt.expect("a receipt");
        let statement = exchange::evidence::verify(&receipt.evidence, certificate).expect("evidence that verifies");
        assert_eq!((statement.message_id, &statement.parts), (Some(receipt.message_id), &receipt.parts));
    }
    let lease = b.awaits(1).await.expect("a lease");
    let opened = b.opens(&lease, &lease.messages[0]).await.expect("an opened letter");
    let message = &lease.messages[0].summary;
    let accepted = b.accepts(lease.token, message.message_id, &opened.document).await.expect("an acceptance");
    exchange::evidence::verify(&accepted.evidence, certificate).expect("evidence that verifies");
    // What is signed elsewhere than in a task of a request: the container of a case.
    let case = message.case_id.expect("a case");
    for _ in 0..100 {
        if let Ok((container, _)) = a.client.export_case(case, None).await {
            assert!(container.len() > 1000);
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the case cannot be exported");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_token_is_pulled_out_nothing_is_accepted_and_afterwards_all_is_as_before() {
    let Some(module) = module() else { return };
    let vault = Vault::with(module).await;
    let _node = vault.starts().await;
    let [a, b] = vault.agencies().await;
    let before = a.submits(pdf("before")).to(&b.mailbox()).await.expect("a receipt");
    let lease = b.awaits(1).await.expect("a lease");
    for handed_over in [false, true] {
        vault.moves_token(false);
        let (status, told) = vault.readiness().await;
        assert_eq!(
            (status, &told["ready"], &told["evidence"]["signs"]),
            (503, &Value::Bool(false), &Value::Bool(false))
        );
        assert!(told["evidence"]["problem"].as_str().is_some_and(|why| why.contains("token")), "{told}");
        for letter in [pdf("meanwhile"), pdf("meanwhile, too")] {
            let refused = a.submits(letter).to(&b.mailbox()).await.expect_err("nothing is accepted without evidence");
            assert_eq!(refused.code(), Some("node.evidence_unavailable"));
        }
        let download = b.client.download(before.message_id, 0, lease.token).await;
        assert_eq!(
            download.is_ok(),
            handed_over,
            "nor is anything handed over without, once it was it may be fetched again"
        );
        vault.moves_token(true);
        // The token is left alone for a second after it failed.
        let after = until_taken(&a, &b).await;
        let certificate = vault.ground.site.evidence_certificate();
        exchange::evidence::verify(&after.evidence, certificate).expect("evidence that verifies");
        assert_eq!(vault.readiness().await.0, 200);
        b.client.download(before.message_id, 0, lease.token).await.expect("the lease held");
        let listed = b.client.list(&b.mailbox(), Some(MessageState::Consigned), None, None).await.expect("a page");
        assert_eq!(listed.messages.len(), 1, "what was refused meanwhile is not there");
        let lease = b.awaits(1).await.expect("a lease");
        let opened = b.opens(&lease, &lease.messages[0]).await.expect("an opened letter");
        b.accepts(lease.token, after.message_id, &opened.document).await.expect("an acceptance");
    }
}

async fn until_taken(a: &Agency, b: &Agency) -> schemas::message::Receipt {
    for _ in 0..100 {
        match a.submits(pdf("after")).to(&b.mailbox()).await {
            Ok(receipt) => return receipt,
            Err(ClientError::Refused(problem)) if problem.code == "node.evidence_unavailable" => {}
            Err(error) => panic!("{error}"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the token was not found again within ten seconds");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_for_want_of_the_token_says_when_to_come_back() {
    let Some(module) = module() else { return };
    let vault = Vault::with(module).await;
    let _node = vault.starts().await;
    let [a, b] = vault.agencies().await;
    vault.moves_token(false);
    let wire = Wire::new(
        vault.ground.site.pki(),
        Some((a.login(), &**vault.ground.site.pki())),
        vault.ground.config.listen.public,
    );
    let envelope = serde_json::to_vec(&a.envelope(&b.mailbox())).expect("JSON");
    // One that would be accepted, and one that would be rejected with evidence A.2.
    for signed in [pdf("letter"), pdf("another letter")] {
        let form = Form::submission(&envelope, &a.signs(&signed), &pdf("letter"));
        let answer = wire.asks(&form.request(&fresh_key())).await;
        let problem = answer.problem();
        assert_eq!((answer.status, problem.code.as_str()), (503, "node.evidence_unavailable"));
        assert_eq!((answer.header("retry-after").is_some(), problem.evidence), (true, None));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_does_not_start_with_a_wrong_pin_or_a_wrong_key_and_tells_no_pin() {
    let Some(module) = module() else { return };
    let mut vault = Vault::with(module).await;
    std::fs::write(vault.folder.join("pin"), "87654321\n").expect("a file");
    let said = vault.fails();
    assert!(said.contains("does not take the PIN") && !said.contains("87654321"), "{said}");
    std::fs::write(vault.folder.join("pin"), format!("{PIN}\n")).expect("a file");

    let other = vault.ground.issues(&vault.ground.agency(0), certs::dev::Usage::Seal, |_| ());
    let file = vault.folder.join("other.pem");
    std::fs::write(&file, other.key.to_pkcs8_pem().expect("PEM").as_bytes()).expect("a file");
    vault.imports(&file, "other", "02");
    for (label, sentence) in [("other", "does not belong to the certificate"), ("nothing", "0 private keys")] {
        let KeySource::Token(token) = &mut vault.ground.config.evidence.key else { panic!("it is in a token") };
        label.clone_into(&mut token.key_label);
        let said = vault.fails();
        assert!(said.contains(sentence) && !said.contains(PIN), "{said}");
    }
    let KeySource::Token(token) = &mut vault.ground.config.evidence.key else { panic!("it is in a token") };
    "elsewhere".clone_into(&mut token.token_label);
    assert!(vault.fails().contains("0 tokens"));
}
