//! The libraries as others get them: both are packaged, and a crate outside of this
//! workspace is built on the packages alone. Its programs are those of `examples/`.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use bestshot_tests::{Reading, clip, psnr, rgb_of_png, target, workspace};

const LIBRARIES: [&str; 2] = ["bestshot-decoder", "bestshot-ranker"];
const PROGRAMS: [&str; 3] = ["luma_means", "best_frames", "own_characteristic"];
/// A program that shows how something is done is shorter than this.
const SHORT: usize = 40;

fn output(command: &mut Command) -> String {
    let output = command.output().expect("the program can be started");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8(output.stdout).expect("text")
}

/// cargo as the test's own, without what it says to a test of this workspace.
fn cargo(folder: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    command.current_dir(folder).env_remove("CARGO_MANIFEST_DIR");
    command
}

/// Packages both libraries; the folders of what is in the packages.
fn packaged(made: &Path) -> Vec<PathBuf> {
    let mut package = cargo(&workspace());
    package.args([
        "package",
        "--quiet",
        "--offline",
        "--no-verify",
        "--allow-dirty",
    ]);
    package.arg("--target-dir").arg(made);
    for name in LIBRARIES {
        package.args(["--package", name]);
    }
    output(&mut package);
    let version = env!("CARGO_PKG_VERSION");
    let unpacked = LIBRARIES.map(|name| {
        let name = format!("{name}-{version}");
        let archive = made.join("package").join(format!("{name}.crate"));
        output(
            Command::new("tar")
                .arg("-xzf")
                .arg(archive)
                .arg("-C")
                .arg(made),
        );
        made.join(name)
    });
    unpacked.to_vec()
}

/// The crate of `examples/`, outside of the workspace, on the packages.
fn outside(folder: &Path, packages: &[PathBuf]) -> PathBuf {
    let crate_ = folder.join("outside");
    fs::create_dir_all(crate_.join("src/bin")).expect("a folder");
    let ours = workspace().join("examples");
    let mut manifest = fs::read_to_string(ours.join("Cargo.toml")).expect("a manifest");
    for (name, package) in ["decoder", "ranker"].into_iter().zip(packages) {
        let own = format!("\"../crates/{name}\"");
        assert!(manifest.contains(&own));
        manifest = manifest.replace(&own, &format!("{:?}", package.to_str().expect("a name")));
    }
    fs::write(crate_.join("Cargo.toml"), manifest).expect("a file");
    // The same versions of everything else: nothing is fetched for this.
    fs::copy(ours.join("Cargo.lock"), crate_.join("Cargo.lock")).expect("a file");
    for program in PROGRAMS {
        let file = format!("src/bin/{program}.rs");
        let text = fs::read_to_string(ours.join(&file)).expect("a program");
        assert!(text.lines().count() < SHORT, "{program} is no longer short");
        fs::write(crate_.join(file), text).expect("a file");
    }
    crate_
}

#[test]
fn programs_of_others_are_built_on_the_packages_and_find_what_ffmpeg_finds() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let packages = packaged(folder.path());
    for package in &packages {
        for file in ["README.md", "LICENSE-MIT", "LICENSE-APACHE", "Cargo.toml"] {
            assert!(
                package.join(file).is_file(),
                "{file} of {}",
                package.display()
            );
        }
    }
    let crate_ = outside(folder.path(), &packages);
    let mut build = cargo(&crate_);
    // Where libraries of the same versions were built for the tests.
    build.args(["build", "--quiet", "--offline", "--bins", "--target-dir"]);
    output(build.arg(target()));
    let program = |name: &str| Command::new(target().join("debug").join(name));

    let file = clip("vtest_h264.mp4");
    let means = output(program("luma_means").arg(&file));
    let theirs = Reading::of(&file).expect("ffmpeg decodes the clip");
    assert_eq!(means.lines().count(), theirs.sums.len());
    for (line, index) in means.lines().zip(0..) {
        let mean: f64 = line
            .split(' ')
            .nth(2)
            .expect("a mean")
            .parse()
            .expect("a number");
        assert!((mean - theirs.mean(index)).abs() < 1e-6, "{line}");
    }

    let mut best = program("best_frames");
    let best = output(best.current_dir(folder.path()).arg(&file).arg("brightness"));
    let wins: Vec<usize> = best
        .lines()
        .map(|line| {
            line.split(' ')
                .next()
                .expect("an index")
                .parse()
                .expect("a number")
        })
        .collect();
    assert_eq!(wins.len(), 3);
    assert_eq!(wins[0], theirs.brightest(1)[0]);
    for (rank, index) in (1..).zip(wins) {
        let twin = folder.path().join("twin.png");
        let select = format!("select=eq(n\\,{index})");
        output(
            Command::new("ffmpeg")
                .args(["-nostdin", "-v", "error", "-y", "-i"])
                .arg(&file)
                .args(["-vf", &select, "-frames:v", "1", "-pix_fmt", "rgb24"])
                .arg(&twin),
        );
        let read = |file: PathBuf| rgb_of_png(&fs::read(file).expect("a picture"));
        let ours = read(folder.path().join(format!("{rank}.png")));
        assert!(
            psnr(&ours, &read(twin)) >= 45.0,
            "{rank}.png is frame {index}"
        );
    }

    let own = output(&mut program("own_characteristic"));
    // Forty of the 64 samples of each row are dark.
    assert!(own.contains("shade (weight 1): 0.6250"), "{own}");
}
