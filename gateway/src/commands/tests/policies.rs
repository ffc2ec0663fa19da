//! `admin policies`: a bundle from a folder to its check, as an operator makes one.

use serde_json::Value;

use super::bench::Bench;
use super::*;

const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/access/policies");

#[test]
fn a_bundle_is_made_of_a_folder_signed_and_checked() {
    let bench = Bench::new();
    let make = "admin policies bundle --number 7 --out @policies.json --folder";
    let seen = bench.vuzol(&format!("{make} {SHIPPED}"));
    assert_eq!(seen.code, exit::OK, "{}", seen.err);
    bench.sign("--output @policies.json.p7s @policies.json");
    let check = "admin policies check @policies.json --signer @signer.pem";
    let checked: Value = serde_json::from_str(&bench.vuzol(check).out).unwrap();
    assert_eq!(checked["number"], 7);
    assert_eq!(checked["version"], access::PolicyFiles::shipped().version());
    assert!(seen.err.contains(checked["version"].as_str().unwrap()), "{}", seen.err);
    assert!(checked["policies"].as_u64().unwrap() > 40, "{checked}");
    // Nobody else's signature will do, and no other bundle.
    let seen = bench.vuzol("admin policies check @policies.json --signer @issuing.pem");
    assert_eq!(seen.code, exit::REFUSED, "{}", seen.err);
    let seen = bench.vuzol(&format!("{make} {SHIPPED}"));
    assert_eq!(seen.code, exit::UNWRITABLE, "an output is not replaced: {}", seen.err);
    std::fs::remove_file(bench.path("policies.json")).unwrap();
    assert_eq!(bench.vuzol("admin policies bundle --number 8 --out @policies.json").code, exit::OK);
    let seen = bench.vuzol(check);
    assert!(seen.code == exit::REFUSED && seen.err.contains("signature"), "{}", seen.err);
}

#[test]
fn a_folder_with_a_mistake_makes_no_bundle_and_names_it() {
    let bench = Bench::new();
    std::fs::create_dir(bench.path("folder")).unwrap();
    bench.write("folder/people.cedar", b"permit (principal, action, resource);");
    let make = "admin policies bundle --number 1 --out @policies.json --folder @folder";
    assert_eq!(bench.vuzol(make).code, exit::UNREADABLE, "there is no schema");
    bench.write("folder/vuzol.cedarschema", access::PolicyFiles::shipped().schema().as_bytes());
    let seen = bench.vuzol(make);
    assert!(seen.code == exit::REFUSED && seen.err.contains("people.cedar: a policy without an @id"), "{}", seen.err);
    assert!(!bench.path("policies.json").exists());
}
