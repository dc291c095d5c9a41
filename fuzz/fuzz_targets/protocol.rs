//! Messages between parent and worker. The promises stand in
//! `crates/session/src/fuzzing.rs`; the one about memory stands here, because it
//! takes the process's allocator.
#![no_main]

use std::alloc::System;

use cap::Cap;

/// The largest picture (128 MiB) and the largest header (1 MiB) that a message
/// may announce, and what a header's values may take once they are understood.
const MEMORY: usize = (128 + 1 + 31) << 20;

/// Who asks for more gets none, and Rust then ends the process: a finding.
#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, MEMORY);

libfuzzer_sys::fuzz_target!(|data: &[u8]| bestshot_session::fuzzing::protocol(data));
