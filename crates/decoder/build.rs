//! Tells `ffi.rs` which libav it is compiled for, where the way to say something
//! differs. Nothing else lives here; libav is found by `ffmpeg-sys-next`.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(libav_8)");
    // What `ffmpeg-sys-next` says to crates that depend on it.
    if env::var("DEP_FFMPEG_FFMPEG_8_0").is_ok_and(|is| is == "true") {
        println!("cargo::rustc-cfg=libav_8");
    }
}
