#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tests::fuzz::access::policy_bundle(data));
