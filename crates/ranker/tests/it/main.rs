//! The ranker as its users see it: everything here goes through the public
//! interface.

#![expect(
    clippy::expect_used,
    reason = "a test that cannot build its input has to fail"
)]

mod equivalence;
mod spread;
mod support;
mod together;
