//! Where the program, the clips, the servers and the checkout are. `cargo xtask
//! test` says so in the environment; without it the places where it puts them are
//! looked at.

use std::{
    env,
    path::{Path, PathBuf},
};

/// The program under test.
///
/// # Panics
/// Where there is none.
pub fn binary() -> PathBuf {
    let path = env::var_os("BESTSHOT_BIN").map_or_else(
        || target().join("debug").join("bestshot"),
        |given| workspace().join(given),
    );
    assert!(
        path.is_file(),
        "the program to test is not at {}; run the tests with `cargo xtask test`, or set \
         BESTSHOT_BIN",
        path.display()
    );
    path
}

/// One of the clips that `cargo xtask setup` makes, by its file name.
///
/// # Panics
/// Where it was not made.
pub fn clip(name: &str) -> PathBuf {
    let folder = env::var_os("BESTSHOT_TEST_CLIPS")
        .map_or_else(|| target().join("clips"), |given| workspace().join(given));
    let path = folder.join(name);
    assert!(
        path.is_file(),
        "the clip {} is missing; `cargo xtask setup` makes it",
        path.display()
    );
    path
}

/// One of the RTSP servers of other makers that `cargo xtask setup` fetches, by its
/// path in their folder.
///
/// # Panics
/// Where it was not fetched.
pub(crate) fn server(name: &str) -> PathBuf {
    let folder = env::var_os("BESTSHOT_TEST_SERVERS")
        .map_or_else(|| target().join("servers"), |given| workspace().join(given));
    let path = folder.join(name);
    assert!(
        path.exists(),
        "the server {} is missing; `cargo xtask setup` fetches it",
        path.display()
    );
    path
}

/// The Python that has what `tests/reference/scores.py` computes with.
///
/// # Panics
/// Where it was not made.
pub fn reference_python() -> PathBuf {
    let folder = env::var_os("BESTSHOT_TEST_REFERENCE").map_or_else(
        || target().join("reference"),
        |given| workspace().join(given),
    );
    let path = folder.join("bin/python");
    assert!(
        path.exists(),
        "{} is missing; `cargo xtask setup` makes it",
        path.display()
    );
    path
}

/// A script that `cargo xtask setup` fetches to be loaded into pages, by its path in
/// their folder.
///
/// # Panics
/// Where it was not fetched.
pub(crate) fn tool(name: &str) -> PathBuf {
    let folder = env::var_os("BESTSHOT_TEST_TOOLS")
        .map_or_else(|| target().join("tools"), |given| workspace().join(given));
    let path = folder.join(name);
    assert!(
        path.is_file(),
        "the tool {} is missing; `cargo xtask setup` fetches it",
        path.display()
    );
    path
}

/// A folder of further recordings, where `BESTSHOT_CLIPS` names one.
pub fn more_recordings() -> Option<PathBuf> {
    let given = env::var_os("BESTSHOT_CLIPS").filter(|given| !given.is_empty());
    given.map(|given| workspace().join(given))
}

/// A folder of recorded answers of real cameras, where `BESTSHOT_CAPTURES` names
/// one.
pub fn captures() -> Option<PathBuf> {
    let given = env::var_os("BESTSHOT_CAPTURES").filter(|given| !given.is_empty());
    given.map(|given| workspace().join(given))
}

/// Whether tests may take minutes.
pub fn nightly() -> bool {
    env::var_os("BESTSHOT_NIGHTLY").is_some_and(|value| value == "1")
}

/// The folder into which the browser's pictures go, made if it is missing.
pub fn screenshots() -> PathBuf {
    let folder = target().join("screenshots");
    std::fs::create_dir_all(&folder).expect("the folder for screenshots can be made");
    folder
}

/// The checkout's topmost folder.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("this package lies in the workspace")
        .to_owned()
}

/// Cargo's target directory: a test is in its `debug/deps`, a program in its `debug`
/// or `release`.
///
/// # Panics
/// Where neither is so.
pub fn target() -> PathBuf {
    let running = env::current_exe().expect("a program knows its own path");
    let mut folders = running.ancestors().skip(1);
    let profile = folders.find(|folder| !folder.ends_with("deps"));
    profile
        .and_then(Path::parent)
        .expect("tests and programs lie below target")
        .to_owned()
}
