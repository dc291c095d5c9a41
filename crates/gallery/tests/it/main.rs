//! The store as its users see it: everything here goes through the public
//! interface and a real directory.

// Clippy knows test functions, not the helpers they share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod full_disk;
mod killed;
mod saving;
mod store;
mod support;
