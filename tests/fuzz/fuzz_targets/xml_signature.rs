#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tests::fuzz::xml::xml_signature(data));
