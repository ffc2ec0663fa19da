//! A node's database on another machine: TLS to a PostgreSQL that has to prove who it is before anything is told to it.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use certs::dev::{DevPki, Identity, Profile, Usage};
use crypto::key::{Curve, KeyKind};
use gateway::config::DatabaseConfig;
use storage::store::{StoreConfig, migrate, open};
use storage::throwaway::Cluster;
use time::{Duration, OffsetDateTime};

/// A server with a certificate for `name` and the loopback addresses.
struct Server {
    cluster: Cluster,
    folder: tempfile::TempDir,
    database: String,
}

impl Server {
    /// None, and said so, where PostgreSQL is not installed.
    fn start(name: &str, lasts: Duration) -> Option<Self> {
        let pki = authority();
        let identity = certificate(&pki, name, lasts);
        let chain = format!("{}{}", identity.certificate.to_pem(), pki.issuing_ca().to_pem());
        let cluster = Cluster::start_with_tls(&chain, &identity.key.to_pkcs8_pem().unwrap())?;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("root.pem"), pki.root().to_pem()).unwrap();
        let database = cluster.database().database().to_owned();
        Some(Self { cluster, folder, database })
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("root.pem")
    }

    /// As an operator would write it into the configuration of a node.
    fn store(&self, host: &str, user: &str, authorities: &Path) -> StoreConfig {
        configured(self.cluster.url_over_tls(host, &self.database, user, authorities))
    }

    /// What whoever connects like that is told, which is never a password.
    fn refuses(&self, store: &StoreConfig) -> String {
        let words = [migrate(store).unwrap_err(), open(store).err().unwrap()].map(|error| error.to_string());
        assert_eq!(words[0], words[1]);
        assert!(!words[0].contains("thrown-away"), "{}", words[0]);
        words[0].clone()
    }
}

fn configured(url: String) -> StoreConfig {
    DatabaseConfig::try_from(url).unwrap().store()
}

fn authority() -> DevPki {
    DevPki::new(OffsetDateTime::now_utc(), Duration::days(30), "").unwrap()
}

fn certificate(pki: &DevPki, name: &str, lasts: Duration) -> Identity {
    let now = OffsetDateTime::now_utc();
    let profile = Profile {
        common_name: "A database".to_owned(),
        organisation: None,
        edrpou: None,
        rnokpp: None,
        usage: Usage::TlsServer,
        key: KeyKind::Ec(Curve::P256),
        not_before: now - Duration::days(2),
        not_after: now + lasts,
        dns_names: vec![name.to_owned()],
    };
    pki.issue(profile).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_proves_who_it_is_serves_the_node_over_tls() {
    let Some(server) = Server::start("localhost", Duration::days(1)) else { return };
    for host in ["localhost", "127.0.0.1"] {
        migrate(&server.store(host, "vuzol_owner", &server.root())).unwrap();
        let (writer, reader) = open(&server.store(host, "vuzol", &server.root())).unwrap();
        writer.run_tx("test", |tx| tx.execute("-- test\nSELECT 1", &[])).await.unwrap();
        reader.read("test", |tx| tx.execute("-- test\nSELECT 1", &[])).await.unwrap();
        // The server's own word for it, of each connection that the node holds.
        let held = "SELECT DISTINCT application_name, coalesce(version, 'none') FROM pg_stat_activity JOIN pg_stat_ssl USING (pid)
            WHERE usename = 'vuzol' ORDER BY 1";
        let held = server.cluster.sql("postgres", held);
        let held: Vec<_> = held.lines().collect();
        assert_eq!(held, ["vuzol acts|TLSv1.3", "vuzol reading|TLSv1.3", "vuzol sequencing|TLSv1.3"], "{host}");
    }
}

#[test]
fn a_database_that_does_not_prove_who_it_is_is_told_nothing() {
    let Some(server) = Server::start("localhost", Duration::days(1)) else { return };
    let address = |host: &str| format!("no connection to postgres {host}:");

    // Another authority, even one that calls itself the same.
    let strangers = server.folder.path().join("strangers.pem");
    std::fs::write(&strangers, authority().root().to_pem()).unwrap();
    let told = server.refuses(&server.store("localhost", "vuzol_owner", &strangers));
    assert!(told.contains(&address("localhost")) && told.contains("UnknownIssuer"), "{told}");
    // None, because the file is not there.
    let told = server.refuses(&server.store("localhost", "vuzol_owner", &server.folder.path().join("absent.pem")));
    assert!(told.contains(&address("localhost")) && told.contains("No such file"), "{told}");

    // Who goes without TLS, which only an address of this host may, is turned away by the server.
    let plain = server.cluster.url_over_tls("localhost", &server.database, "vuzol_owner", &server.root());
    let told = server.refuses(&configured(plain.replace("verify-full", "disable")));
    assert!(told.contains("no encryption"), "{told}");
}

/// What stands between the node and its database may answer in its place that there is no TLS.
#[test]
fn a_node_that_is_told_that_there_is_no_tls_says_no_more() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = std::thread::spawn(move || {
        let (mut line, _) = listener.accept().unwrap();
        let mut request = [0; 8];
        line.read_exact(&mut request).unwrap();
        line.write_all(b"N").unwrap();
        let mut rest = Vec::new();
        line.read_to_end(&mut rest).unwrap();
        (request, rest)
    });
    let url = format!("postgres://vuzol:hunter2@localhost:{port}/node?sslmode=verify-full");
    let told = migrate(&configured(url)).unwrap_err().to_string();
    assert!(told.contains(&format!("no connection to postgres localhost:{port}/node")), "{told}");
    assert!(told.contains("does not support TLS") && !told.contains("hunter2"), "{told}");
    // SSLRequest (PostgreSQL 15, 55.7): its length and the number 80877103.
    assert_eq!(heard.join().unwrap(), ([0, 0, 0, 8, 4, 210, 22, 47], Vec::new()));
}

#[test]
fn a_database_under_another_name_or_with_an_old_certificate_is_told_nothing() {
    let Some(server) = Server::start("database.example", Duration::days(1)) else { return };
    migrate(&server.store("127.0.0.1", "vuzol_owner", &server.root())).expect("the address is in the certificate");
    let told = server.refuses(&server.store("localhost", "vuzol_owner", &server.root()));
    assert!(told.contains("no connection to postgres localhost:"), "{told}");
    assert!(told.contains("not valid for name \"localhost\"") && told.contains("database.example"), "{told}");

    let Some(old) = Server::start("localhost", -Duration::days(1)) else { return };
    let told = old.refuses(&old.store("localhost", "vuzol_owner", &old.root()));
    assert!(told.contains("certificate expired"), "{told}");
}
