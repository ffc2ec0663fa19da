//! `demo`, from the keys to the last refusal.

use super::*;

#[test]
fn the_story_comes_out_and_leaves_what_it_was_told_to_leave() {
    let folder = tempfile::tempdir().unwrap();
    let site = folder.path().join("site");
    let seen = vuzol(&["demo", "--json", "--dir", site.to_str().unwrap()]);
    let told: serde_json::Value = serde_json::from_str(&seen.out).unwrap();
    assert_eq!((seen.code, &told["ok"]), (exit::OK, &true.into()), "{}", seen.out);
    let steps = told["steps"].as_array().unwrap();
    assert!(steps.iter().all(|step| step["ok"] == true && step["ms"].is_number()), "{}", seen.out);
    for code in ["signature.hash_failure", "signature.revoked_signer", "access.channel_not_allowed"] {
        assert!(seen.out.contains(code), "{code}");
    }
    assert!(told["total_ms"].as_f64().unwrap() < 10_000.0);
    assert!(site.join("vuzol.toml").is_file() && site.join("agencies/99000001/signing.key").is_file());

    let again = vuzol(&["demo", "--json", "--dir", site.to_str().unwrap()]);
    let told: serde_json::Value = serde_json::from_str(&again.out).unwrap();
    assert_eq!((again.code, &told["ok"]), (exit::REFUSED, &false.into()), "nothing is overwritten");
    assert!(told["steps"][0]["detail"].as_str().unwrap().contains("not empty"), "{}", again.out);
}

#[test]
fn the_keys_of_a_site_are_their_owners_alone_and_serve_other_commands() {
    let folder = tempfile::tempdir().unwrap();
    let site = folder.path().join("site");
    assert_eq!(vuzol(&["demo", "--json", "--dir", site.to_str().unwrap()]).code, exit::OK);
    let at = |name: &str| site.join(name).to_str().unwrap().to_owned();
    let (a, letter) = ("agencies/99000001", at("letter.txt"));
    std::fs::write(&letter, "letter").unwrap();
    let (key, certificate, output) =
        (at(&format!("{a}/signing.key")), at(&format!("{a}/signing.pem")), at("letter.p7s"));
    let signed = vuzol(&["sign", "--key", &key, "--certificate", &certificate, "--output", &output, &letter]);
    assert_eq!((signed.code, signed.err.as_str()), (exit::OK, ""), "no remark on the key's readers");
    let log_key = vuzol(&["admin", "log-key", "--config", &at("vuzol.toml")]);
    assert_eq!(log_key.code, exit::OK, "{}", log_key.err);
    assert!(log_key.out.starts_with("demo.vuzol.example+"), "{}", log_key.out);
}
