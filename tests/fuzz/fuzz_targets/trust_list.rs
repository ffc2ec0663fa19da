#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tests::fuzz::lists::trust_list(data));
