//! `admin trust` over the API of a running node.

use std::path::Path;
use std::sync::Arc;

use certs::dev::DevPki;
use crypto::digest::hex;
use serde_json::Value;
use storage::Clock;
use storage::clock::SystemClock;

use super::*;
use crate::config::Config;
use crate::demo::services::DemoServices;
use crate::demo::site::Site;
use crate::wiring::{Duties, Node};

/// A node with its operator, beside commands that have runtimes of their own.
pub(super) struct Running {
    folder: tempfile::TempDir,
    url: String,
    node: Option<Node>,
    services: Option<DemoServices>,
    runtime: tokio::runtime::Runtime,
}

impl Running {
    pub(super) fn new() -> Self {
        Self::with(|_, _| ())
    }

    /// The same, with another configuration; it is told where the site lies.
    pub(super) fn with(change: impl FnOnce(&mut Config, &Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (node, services) = runtime.block_on(async {
            let bound = DemoServices::bind().await.unwrap();
            let site = Site::create(&folder.path().join("site"), SystemClock.now(), &bound.ocsp_url(), 1).unwrap();
            let services = bound.start(site.pki().clone(), Arc::new(SystemClock));
            let mut config = site.config().clone();
            change(&mut config, site.directory());
            let node = Node::start(config, Arc::new(SystemClock), Duties::All, true).await.unwrap();
            (node, services)
        });
        let url = format!("https://localhost:{}", node.public_address().port());
        Self { folder, url, node: Some(node), services: Some(services), runtime }
    }

    pub(super) fn file(&self, name: &str) -> String {
        self.folder.path().join("site").join(name).display().to_string()
    }

    fn admin(&self, line: &[&str]) -> Seen {
        self.operates(&[&["trust"], line].concat())
    }

    /// A command of `admin` as the node's operator.
    pub(super) fn operates(&self, line: &[&str]) -> Seen {
        self.operates_as("login", line)
    }

    /// The same as another: `login` or `second`.
    pub(super) fn operates_as(&self, operator: &str, line: &[&str]) -> Seen {
        let (roots, key) = (self.file("anchors/root.pem"), self.file(&format!("operator/{operator}.key")));
        // The operator's certificate, with the authority above it in the same file.
        let chain = self.file("operator/chain.pem");
        let read = |name: &str| std::fs::read_to_string(self.file(name)).unwrap();
        std::fs::write(&chain, read(&format!("operator/{operator}.pem")) + &read("intermediates/issuing.pem")).unwrap();
        let node = ["--node", &self.url, "--roots", &roots, "--certificate", &chain, "--key", &key];
        vuzol(&[&["admin"], line, node.as_slice()].concat())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(node) = self.node.take() {
            self.runtime.block_on(node.stop());
        }
        self.services = None;
    }
}

pub(super) fn json(seen: &Seen) -> Value {
    assert_eq!(seen.code, exit::OK, "{}", seen.err);
    serde_json::from_str(&seen.out).unwrap()
}

#[test]
fn an_operator_reads_states_and_withdraws() {
    let node = Running::new();
    let other = DevPki::new(SystemClock.now(), time::Duration::days(30), "").unwrap();
    let (sha256, file) = (hex(&other.root().fingerprint()), node.file("other.pem"));
    std::fs::write(&file, other.root().to_pem()).unwrap();
    let believed = |node: &Running| {
        let told = json(&node.admin(&["read"]));
        let all = told["certificates"].as_array().unwrap().clone();
        all.into_iter().find(|one| one["sha256"] == sha256.as_str()).map(|one| one["purposes"].clone())
    };
    assert_eq!(believed(&node), None);
    let line = ["state", &sha256, "--purpose", "signing", "--purpose", "timestamping", "--file", &file];
    assert_eq!(json(&node.admin(&line))["origin"], "operator");
    assert_eq!(believed(&node), Some(serde_json::json!(["signing", "timestamping"])));
    json(&node.admin(&["state", &sha256]));
    assert_eq!(believed(&node), Some(serde_json::json!([])), "for nothing");
    assert_eq!(node.admin(&["withdraw", &sha256]).code, exit::OK);
    assert_eq!(believed(&node), None);
    let twice = node.admin(&["withdraw", &sha256]);
    assert!(twice.code == exit::REFUSED && twice.err.contains("request.not_found"), "{}", twice.err);
    assert_eq!(node.admin(&["withdraw", "ABCD"]).code, exit::USAGE);
}
