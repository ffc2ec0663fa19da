//! Java's keytool: it reads our PKCS#12, we read its PKCS#12 and JKS.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

/// A folder for the files that keytool insists on; removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("crypto-container-{}-{number}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs keytool; `None`, and a line that says so, where there is no such command.
fn keytool(store: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("keytool");
    command.args(&arguments[..1]).arg("-keystore").arg(store).args(&arguments[1..]);
    let Ok(output) = command.output() else {
        println!("skipped: no keytool command");
        return None;
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{arguments:?}: {text}");
    Some(text)
}

/// Generates an RSA key in a store of `kind`; answers the store and the certificate.
fn generate(folder: &Folder, kind: &[&str], key_password: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    let (store, certificate) = (folder.file("store"), folder.file("certificate"));
    let mut arguments = vec!["-genkeypair", "-keyalg", "RSA", "-keysize", "2048", "-alias", "мій ключ"];
    arguments.extend(["-dname", "CN=test", "-storepass", "secret1", "-keypass", key_password, "-storetype"]);
    arguments.extend(kind);
    keytool(&store, &arguments)?;
    let target = certificate.to_str().unwrap();
    let export = ["-exportcert", "-alias", "мій ключ", "-storepass", "secret1", "-file", target];
    keytool(&store, &export)?;
    Some((std::fs::read(store).unwrap(), std::fs::read(certificate).unwrap()))
}

/// The public half of `pkcs8` is in `certificate`.
fn belong_together(pkcs8: &[u8], certificate: &[u8]) -> bool {
    let key = PKey::private_key_from_pkcs8(pkcs8).unwrap();
    X509::from_der(certificate).unwrap().public_key().unwrap().public_eq(&key)
}

#[test]
fn its_stores_are_read() {
    let old = ["PKCS12", "-J-Dkeystore.pkcs12.legacy"];
    for (kind, key_password) in
        [(&["JKS"][..], "secret1"), (&["JKS"], "secret2"), (&["PKCS12"], "secret1"), (&old, "secret1")]
    {
        let folder = Folder::new();
        let Some((store, certificate)) = generate(&folder, kind, key_password) else { return };
        let (outer, inner) = (password("secret1"), password(key_password));
        let read = Container::read_with_key_password(&store, &outer, &inner);
        if kind.len() > 1 && !cfg!(feature = "native") {
            assert!(matches!(read, Err(ContainerError::UnsupportedScheme { .. })));
            continue;
        }
        let read = read.unwrap_or_else(|error| panic!("{kind:?}: {error}"));
        assert_eq!(certificates(&read), [&certificate[..]], "{kind:?}");
        assert_eq!(read.keys[0].friendly_name(), Some("мій ключ"), "{kind:?}");
        assert!(belong_together(read.keys[0].pkcs8_der(), &certificate), "{kind:?}");
        let refused = |secret: &str| Container::read(&store, &password(secret)).err();
        assert_eq!(refused("secret3"), Some(ContainerError::WrongPassword), "{kind:?}");
        if key_password != "secret1" {
            assert_eq!(refused("secret1"), Some(ContainerError::WrongKeyPassword));
        }
    }
}

#[test]
fn its_jceks_is_refused_by_name() {
    let folder = Folder::new();
    let Some((store, _)) = generate(&folder, &["JCEKS"], "secret1") else { return };
    let error = Container::read(&store, &password("secret1")).unwrap_err();
    assert_eq!(error, ContainerError::UnknownScheme { scheme: "JCEKS".to_owned() });
}

#[test]
fn it_reads_our_pkcs12() {
    let identity = Identity::generate();
    let folder = Folder::new();
    let (ours, theirs) = (folder.file("ours"), folder.file("theirs"));
    std::fs::write(&ours, MODERN.pkcs12(&identity.container("mine"), &password("secret1")).unwrap()).unwrap();
    let Some(list) = keytool(&ours, &["-list", "-storetype", "PKCS12", "-storepass", "secret1"]) else { return };
    assert!(list.contains("mine") && list.contains("PrivateKeyEntry"), "{list}");
    // Copied into a JKS, the key has been decrypted by Java and protected anew.
    let source = ours.to_str().unwrap();
    let mut arguments = vec!["-importkeystore", "-srckeystore", source, "-srcstoretype", "PKCS12"];
    arguments.extend(["-srcstorepass", "secret1", "-deststoretype", "JKS", "-deststorepass", "secret2"]);
    let mut command = Command::new("keytool");
    let output = command.args(arguments).arg("-destkeystore").arg(&theirs).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    // Java keeps the password that the key had.
    let (store, outer, inner) = (std::fs::read(theirs).unwrap(), password("secret2"), password("secret1"));
    let read = Container::read_with_key_password(&store, &outer, &inner).unwrap();
    assert_eq!(certificates(&read), [identity.certificate.to_der().unwrap()]);
    assert!(belong_together(read.keys[0].pkcs8_der(), &read.certificates[0].der));
}
