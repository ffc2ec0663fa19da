//! OpenSSL, as a library and on the command line: it reads what we write, we read what it writes.

use std::io::Write;
use std::process::{Command, Stdio};

use openssl::pkcs12::Pkcs12;

use super::*;

/// Runs `openssl` with `input` on its standard input; `None`, and a line that says so, where there is no such command.
fn openssl(arguments: &[&str], input: &[u8]) -> Option<Vec<u8>> {
    let command = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = command else {
        println!("skipped: no openssl command");
        return None;
    };
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Some(output.stdout)
}

#[test]
fn the_library_reads_our_modern_files() {
    let identity = Identity::generate();
    for secret in ["secret", "слово", ""] {
        let container = identity.container("name");
        let pfx = MODERN.pkcs12(&container, &password(secret)).unwrap();
        let parsed = Pkcs12::from_der(&pfx).unwrap().parse2(secret).unwrap();
        assert!(parsed.pkey.unwrap().public_eq(&identity.key), "{secret}");
        assert_eq!(parsed.cert.unwrap().to_der().unwrap(), container.certificates[0].der);

        let encrypted = MODERN.encrypted_key(&container.keys[0], &password(secret)).unwrap();
        if !secret.is_empty() {
            let key = PKey::private_key_from_pkcs8_passphrase(&encrypted, secret.as_bytes()).unwrap();
            assert!(key.public_eq(&identity.key));
        }
    }
    let full = identity.container("name").to_pkcs12_der(&password("secret"), Protection::Modern).unwrap();
    assert!(Pkcs12::from_der(&full).unwrap().parse2("secret").is_ok());
}

#[test]
fn the_command_reads_our_modern_file() {
    let identity = Identity::generate();
    let pfx = MODERN.pkcs12(&identity.container("name"), &password("слово")).unwrap();
    let Some(pem) = openssl(&["pkcs12", "-nodes", "-passin", "pass:слово"], &pfx) else { return };
    let text = String::from_utf8(pem).unwrap();
    assert!(text.contains("friendlyName: name") && text.contains("localKeyID: 01 02 03"));
    let key = PKey::private_key_from_pem(text.as_bytes()).unwrap();
    assert!(key.public_eq(&identity.key));
}

#[test]
fn its_pkcs12_in_every_flavour() {
    let identity = Identity::generate();
    let flavours: &[&[&str]] = &[
        &[],
        &["-macalg", "sha1"],
        &["-macalg", "sha224"],
        &["-macalg", "sha384"],
        &["-macalg", "sha512"],
        &["-nomac"],
        &["-noiter", "-nomaciter"],
        &["-iter", "50000"],
        &["-keypbe", "NONE", "-certpbe", "NONE"],
        &["-keypbe", "AES-128-CBC", "-certpbe", "AES-192-CBC"],
        &["-keypbe", "DES-EDE3-CBC", "-certpbe", "DES-EDE3-CBC"],
        &["-legacy"],
        &["-legacy", "-keypbe", "PBE-SHA1-2DES", "-certpbe", "PBE-SHA1-RC2-128"],
        &["-legacy", "-keypbe", "PBE-SHA1-RC2-40", "-certpbe", "PBE-SHA1-3DES"],
    ];
    for secret in ["secret", "слово ї", ""] {
        for flavour in flavours {
            let pass = format!("pass:{secret}");
            let arguments = [&["pkcs12", "-export", "-name", "Ім’я", "-passout", &pass], *flavour].concat();
            let Some(pfx) = openssl(&arguments, &identity.pem()) else { return };
            let is_old = arguments.iter().any(|argument| argument.contains("DES") || *argument == "-legacy");
            let read = Container::read(&pfx, &password(secret));
            if is_old && !cfg!(feature = "native") {
                assert!(matches!(read, Err(ContainerError::UnsupportedScheme { .. })), "{flavour:?}");
                continue;
            }
            let read = read.unwrap_or_else(|error| panic!("{flavour:?} {secret}: {error}"));
            assert_eq!(certificates(&read), [identity.certificate.to_der().unwrap()], "{flavour:?}");
            assert_eq!(read.keys[0].friendly_name(), Some("Ім’я"));
            assert_eq!(read.keys[0].local_key_id(), read.certificates[0].local_key_id.as_deref());
            let key = PKey::private_key_from_pkcs8(read.keys[0].pkcs8_der()).unwrap();
            assert!(key.public_eq(&identity.key), "{flavour:?}");
            let in_clear = flavour.contains(&"NONE") && flavour.contains(&"-nomac");
            if !in_clear {
                assert_eq!(Container::read(&pfx, &password("wrong")).unwrap_err(), ContainerError::WrongPassword);
            }
        }
    }
}

#[test]
fn its_pkcs8_in_every_flavour() {
    let identity = Identity::generate();
    let pem = identity.key.private_key_to_pem_pkcs8().unwrap();
    let flavours: &[(&[&str], bool)] = &[
        (&["-v2", "aes-256-cbc"], true),
        (&["-v2", "aes-192-cbc", "-v2prf", "hmacWithSHA1"], true),
        (&["-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA512"], true),
        (&["-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA224"], true),
        (&["-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA384", "-iter", "1"], true),
        (&["-v2", "des3"], cfg!(feature = "native")),
        (&["-v1", "PBE-SHA1-3DES"], cfg!(feature = "native")),
        (&["-nocrypt"], true),
        (&["-scrypt"], false),
        (&["-v2", "aes-256-ofb"], false),
    ];
    for (flavour, is_served) in flavours {
        for form in ["DER", "PEM"] {
            let arguments = [&["pkcs8", "-topk8", "-outform", form, "-passout", "pass:secret"], *flavour].concat();
            let Some(file) = openssl(&arguments, &pem) else { return };
            match Container::read(&file, &password("secret")) {
                Ok(read) => {
                    assert!(is_served, "{flavour:?}");
                    let key = PKey::private_key_from_pkcs8(read.keys[0].pkcs8_der()).unwrap();
                    assert!(key.public_eq(&identity.key), "{flavour:?}");
                }
                Err(ContainerError::UnknownScheme { .. } | ContainerError::UnsupportedScheme { .. }) => {
                    assert!(!is_served, "{flavour:?}");
                }
                Err(error) => panic!("{flavour:?}: {error}"),
            }
        }
    }
}

/// `-twopass`: the code under one password, the contents under another.
#[test]
fn contents_under_another_password_than_the_code() {
    let identity = Identity::generate();
    let mac = Pkcs12::builder()
        .name("name")
        .pkey(&identity.key)
        .cert(&identity.certificate)
        .build2("inner")
        .unwrap()
        .to_der()
        .unwrap();
    // The code is made anew under "outer" over the same safe.
    let mut fields = Fields::of_sequence(&mac, "").unwrap();
    fields.next().unwrap();
    let info = fields.next().unwrap();
    let mut content = Fields::new(info.content, "");
    content.next().unwrap();
    let safe = Fields::new(content.take(0xa0).unwrap(), "").take(OCTET_STRING).unwrap();
    let key = derive::pkcs12(
        DigestAlgorithm::Sha256,
        derive::Purpose::Mac,
        &password("outer").bmp(),
        b"salt",
        1,
        32,
        &mut Budget::new(),
    )
    .unwrap();
    let code = derive::hmac(DigestAlgorithm::Sha256, &key, safe);
    let digest = algorithm("2.16.840.1.101.3.4.2.1", &crate::asn1::NULL);
    let digest = element(SEQUENCE, &[&digest, &element(OCTET_STRING, &[code.as_bytes()])]);
    let mac_data = element(SEQUENCE, &[&digest, &element(OCTET_STRING, &[b"salt"])]);
    let pfx = element(SEQUENCE, &[&[2, 1, 3], info.whole, &mac_data]);
    let read = |secret: &str| Container::read(&pfx, &password(secret)).unwrap_err();
    assert_eq!(read("outer"), ContainerError::WrongKeyPassword);
    // The code's password is another: the contents open, and the code looks damaged.
    assert_eq!(read("inner"), ContainerError::DamagedMac);
    assert_eq!(read("neither"), ContainerError::WrongPassword);
}
