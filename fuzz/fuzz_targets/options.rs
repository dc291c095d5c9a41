//! Bodies of start requests in every form. The promises stand in
//! `crates/api/src/fuzzing.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bestshot::fuzzing::options(data));
