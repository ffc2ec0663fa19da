use certs::dev::{DevPki, Profile, Usage};
use crypto::key::{Curve, KeyKind};
use signing::cades::{self, Content};
use time::Duration;
use time::macros::datetime;

use super::row::records;
use super::*;

const HEADER: &str = "file,format,detached_content,expected_signatures,expected,expected_indication,\
expected_sub_indication,expected_level,second_tool_agrees,note\n";

/// A corpus of two files: a detached signature and its content.
fn corpus(rows: &str) -> tempfile::TempDir {
    let now = datetime!(2026-11-23 12:00 UTC);
    let pki = DevPki::new(now - Duration::days(1), Duration::days(30), "http://ocsp.test/").unwrap();
    let profile = Profile {
        common_name: "Signer".to_owned(),
        organisation: None,
        edrpou: None,
        rnokpp: None,
        usage: Usage::Signing,
        key: KeyKind::Ec(Curve::P256),
        not_before: now - Duration::hours(1),
        not_after: now + Duration::days(1),
        dns_names: Vec::new(),
    };
    let signer = pki.issue(profile).unwrap();
    let content = crypto::digest::digest(crypto::digest::DigestAlgorithm::Sha256, b"content");
    let algorithm = signer.key.default_algorithm();
    let certificates = [signer.certificate.clone()];
    let signed = cades::sign(Content::Detached(content), &signer.key, algorithm, &certificates, now).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("files")).unwrap();
    for (name, bytes) in
        [("signed", signed.as_slice()), ("content", b"content"), ("other", b"other"), ("junk", b"junk")]
    {
        std::fs::write(folder.path().join("files").join(name), bytes).unwrap();
    }
    std::fs::write(folder.path().join("expected.csv"), format!("{HEADER}{rows}")).unwrap();
    folder
}

fn outcome(rows: &str) -> Outcome {
    run(&corpus(rows).path().join("expected.csv"), Judge::Library).unwrap()
}

#[test]
fn rows_that_agree_are_counted() {
    let all = outcome(
        "signed,CAdES,content,1,intact,INDETERMINATE,NO_CERTIFICATE_CHAIN_FOUND,CAdES_BASELINE_B,yes,\n\
         signed,CAdES,other,,broken,TOTAL_FAILED,HASH_FAILURE,,yes,\n\
         signed,CAdES,other;content,1,intact,,,,yes,\"of two contents, one is signed\"\n\
         junk,CAdES,,,unreadable,,,,yes,\n\
         junk,CAdES,,,broken,,,,yes,\n",
    );
    assert_eq!(all.misses().len(), 0, "{all}");
    assert_eq!(all.remarks().len(), 0, "{all}");
    assert_eq!(all.to_string(), "conclusions and levels: 2 of 2 agree\n0 crashes\ndocuments: 5 of 5 agree");
}

#[test]
fn rows_that_do_not_agree_are_named() {
    let all = outcome(
        "signed,CAdES,content,2,intact,,,,yes,\n\
         signed,CAdES,other,,intact,,,,yes,\n\
         signed,CAdES,content,1,broken,,,,yes,\n\
         signed,CAdES,content,,unreadable,,,,yes,\n\
         junk,CAdES,,,intact,,,,yes,\n\
         junk,PAdES,,,broken,,,,yes,\n",
    );
    assert_eq!((all.misses().len(), all.unexplained().len(), all.rows()), (6, 6, 6), "{all}");
    assert_eq!(all.misses()[1].id, "signed + other");
    assert!(all.misses()[5].found.contains("not read yet"), "{all}");
    assert!(all.to_string().ends_with("documents: 0 of 6 agree"));
}

/// Agreement is about integrity; what else a row states is compared, and said.
#[test]
fn other_conclusions_and_levels_are_remarks() {
    let all = outcome(
        "signed,CAdES,content,1,intact,TOTAL_PASSED,,,yes,\n\
         signed,CAdES,content,1,intact,,,CAdES_BASELINE_T,yes,\n\
         signed,CAdES,content,1,intact,,,CAdES_BASELINE_B,yes,\n",
    );
    assert_eq!((all.misses().len(), all.remarks().len()), (0, 2), "{all}");
    assert!(all.to_string().contains("level CAdES-BASELINE-B, expected CAdES_BASELINE_T"), "{all}");
    assert!(all.to_string().ends_with("conclusions and levels: 1 of 3 agree\n0 crashes\ndocuments: 3 of 3 agree"));
}

#[test]
fn a_crash_is_a_miss_whatever_the_row_says() {
    for row in Row::table(&format!("{HEADER}a,CAdES,,,broken,,,,,\nb,CAdES,,,unreadable,,,,,\n")).unwrap() {
        assert!(row.disagreement(&Verdict::Crashed("a panic".into())).is_some());
        assert_eq!(row.disagreement(&Verdict::Unreadable("cut".into())), None);
    }
    // A command that says nothing.
    let folder = corpus("junk,CAdES,,,broken,,,,yes,\n");
    let silent = run(&folder.path().join("expected.csv"), Judge::Command(Path::new("/bin/true")));
    if let Ok(outcome) = silent {
        assert_eq!((outcome.misses().len(), outcome.crashes()), (1, Some(1)));
    }
    assert!(run(&folder.path().join("expected.csv"), Judge::Command(Path::new("no such binary"))).is_err());
}

#[test]
fn a_table_that_cannot_be_read_is_an_error() {
    for rows in ["a,CAdES,,,perhaps,,,,,\n", "a,CAdES,,many,intact,,,,,\n"] {
        assert!(run(&corpus(rows).path().join("expected.csv"), Judge::Library).is_err());
    }
    assert!(run(&corpus("absent,CAdES,,,intact,,,,,\n").path().join("expected.csv"), Judge::Library).is_err());
    assert!(run(Path::new("absent.csv"), Judge::Library).is_err());
    assert!(Row::table("").is_err());
}

#[test]
fn quotes_and_line_ends_are_read() {
    let all = records("file,note\r\na.p7m,\"one, \"\"two\"\"\nthree\"\nb.p7m,");
    assert_eq!(all, [vec!["file", "note"], vec!["a.p7m", "one, \"two\"\nthree"], vec!["b.p7m", ""]]);
}
