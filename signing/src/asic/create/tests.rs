use std::io::Cursor;

use crate::asic::Container;
use crate::asic::manifest::Manifest;
use crate::asic::testing::Story;
use crate::cades::tests::{openssl, openssl_present, write_pem};

use super::*;

const DOCUMENTS: &[(&str, &[u8])] = &[("б.txt", b"second"), ("a & b.txt", b"first"), ("folder/c.bin", &[0; 70_000])];

fn prepared() -> Prepared {
    extended(DOCUMENTS.iter().map(|(name, content)| Story::part(name, content)).collect()).unwrap()
}

#[test]
fn the_same_documents_and_signature_give_the_same_octets() {
    let story = Story::new();
    let cms = story.sign(&prepared());
    let once = prepared().complete(&cms).unwrap();
    let bytes = once.to_vec(DOCUMENTS).unwrap();
    assert_eq!(once.size(), bytes.len() as u64);
    let mut reversed = DOCUMENTS.to_vec();
    reversed.reverse();
    let again = extended(reversed.iter().map(|(name, content)| Story::part(name, content)).collect()).unwrap();
    assert_eq!(again.complete(&cms).unwrap().to_vec(&reversed).unwrap(), bytes);
    assert!(story.validate(&bytes).unwrap().passed.is_some());
    // The type stands where `file` and its kin look for it: EN 319 162-1, A.1.
    assert_eq!(&bytes[30..69], b"mimetypeapplication/vnd.etsi.asic-e+zip");
}

#[test]
fn references_in_the_manifest_are_encoded() {
    let prepared = prepared();
    let manifest = std::str::from_utf8(prepared.manifest().unwrap()).unwrap();
    assert!(manifest.is_ascii());
    for reference in ["a%20%26%20b.txt", "%D0%B1.txt", "folder/c.bin"] {
        assert!(manifest.contains(&format!(r#"URI="{reference}" MimeType="text/plain""#)), "{manifest}");
    }
}

#[test]
fn every_digest_of_a_manifest_is_read_again() {
    let story = Story::new();
    for algorithm in DigestAlgorithm::ALL {
        let part = Part::of_bytes("a", None, b"x", algorithm).unwrap();
        match extended(vec![part]) {
            Ok(prepared) => {
                let cms = story.sign(&prepared);
                let bytes = prepared.complete(&cms).unwrap().to_vec(&[("a", b"x")]).unwrap();
                assert!(story.validate(&bytes).unwrap().passed.is_some(), "{algorithm:?}");
            }
            Err(CreateError::Algorithm) => {
                assert!(algorithm == DigestAlgorithm::Sha1 || algorithm.name().len() > 9, "{algorithm:?}")
            }
            Err(error) => panic!("{algorithm:?}: {error}"),
        }
    }
}

#[test]
fn documents_that_changed_since_they_were_measured_are_noticed() {
    let story = Story::new();
    let completed = prepared().complete(&story.sign(&prepared())).unwrap();
    for other in [&b"secone"[..], b"secon", b"seconds", b""] {
        let open = |name: &str| {
            let (_, content) = DOCUMENTS.iter().find(|(known, _)| *known == name).unwrap();
            Ok(Cursor::new(if name == "б.txt" { other } else { *content }))
        };
        let error = completed.write(&mut Vec::new(), open).unwrap_err();
        assert!(matches!(error, WriteError::Changed(name) if name == "б.txt"));
    }
    assert!(matches!(completed.to_vec(&[]), Err(WriteError::Io(error)) if error.kind() == io::ErrorKind::NotFound));
}

#[test]
fn only_a_detached_signature_over_what_was_prepared_completes() {
    let story = Story::new();
    let honest = story.sign(&prepared());
    let other = story.sign(&simple(Story::part("a", b"x")).unwrap());
    let manifest = prepared().manifest().unwrap().to_vec();
    let attached = story.world.sign(crate::cades::Content::Attached(&manifest), &story.signer);
    assert!(prepared().complete(&honest).is_ok());
    for cms in [&other, &attached, &honest[..honest.len() - 1].to_vec(), &Vec::new()] {
        assert!(matches!(prepared().complete(cms), Err(CreateError::Signature)));
    }
}

#[test]
fn names_that_no_reader_accepts_are_not_written() {
    let part = |name: &str| Part::of_bytes(name, None, b"x", DigestAlgorithm::Sha256);
    for name in ["", "../a", "/a", "a\\b", "a\u{202e}b"] {
        assert!(matches!(part(name), Err(CreateError::Name(_))), "{name:?}");
    }
    for name in ["mimetype", "MimeType", "META-INF/a", "meta-inf/a", "folder/"] {
        assert!(matches!(part(name), Err(CreateError::ReservedName)), "{name}");
    }
    let twins = vec![part("a").unwrap(), part("A").unwrap()];
    assert!(matches!(extended(twins), Err(CreateError::Name(ContainerError::TwinNames))));
    assert!(matches!(simple(part("folder/a").unwrap()), Err(CreateError::Name(ContainerError::DataObjects))));
    assert!(matches!(extended(Vec::new()), Err(CreateError::Count)));
    let many = (0..991).map(|number| part(&number.to_string()).unwrap()).collect();
    assert!(matches!(extended(many), Err(CreateError::Count)));
}

#[test]
fn media_types_carry_no_markup() {
    for media_type in ["text", "text/", "/plain", "text/plain; charset=utf-8", "a/b\"", "a/<b>", "a/b/c", "т/x"] {
        assert!(!is_media_type(media_type), "{media_type}");
    }
    for media_type in ["text/plain", "application/vnd.etsi.asic-e+zip", "x/a&b"] {
        assert!(is_media_type(media_type), "{media_type}");
    }
    let part = Part::of_bytes("a", Some("x/a&b"), b"x", DigestAlgorithm::Sha256).unwrap();
    let prepared = extended(vec![part]).unwrap();
    assert!(Manifest::read(prepared.manifest().unwrap()).unwrap().objects[0].mime_type.as_deref() == Some("x/a&b"));
}

#[test]
fn a_simple_container_is_signed_in_the_digest_in_which_it_was_measured() {
    let prepared = simple(Story::part("a", b"x")).unwrap();
    assert!(prepared.to_sign(DigestAlgorithm::Sha256).is_some());
    assert_eq!(prepared.to_sign(DigestAlgorithm::Sha512), None);
    assert_eq!(prepared.manifest(), None);
}

#[test]
fn openssl_accepts_the_signature_of_a_container_and_unzip_its_archive() {
    if !openssl_present() {
        return;
    }
    let story = Story::new();
    let bytes = prepared().complete(&story.sign(&prepared())).unwrap().to_vec(DOCUMENTS).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("container.asice"), &bytes).unwrap();
    let unzip = std::process::Command::new("unzip").args(["-q", "container.asice"]).current_dir(folder.path()).output();
    match unzip {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
        Err(_) => return println!("skipped: no unzip"),
    }
    assert_eq!(std::fs::read(folder.path().join("folder/c.bin")).unwrap(), [0; 70_000]);
    write_pem(folder.path(), "root.pem", &[story.world.pki.root()]);
    let verify = ["cms", "-verify", "-binary", "-inform", "DER", "-in", "META-INF/signature001.p7s", "-purpose", "any"];
    let content = ["-content", "META-INF/ASiCManifest001.xml", "-CAfile", "root.pem", "-attime", "1795435200"];
    let verified = openssl(folder.path(), &[&verify[..], &content].concat());
    assert_eq!(verified.unwrap(), prepared().manifest().unwrap());
    let container = Container::read(bytes.as_slice()).unwrap();
    assert_eq!(container.parts().collect::<Vec<_>>(), ["a & b.txt", "folder/c.bin", "б.txt"]);
}
