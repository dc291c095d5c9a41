//! Scanners of libav's log and of what cameras send. The promises stand in
//! `crates/decoder/src/fuzzing.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bestshot_decoder::fuzzing::log(data));
