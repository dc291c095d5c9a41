//! `cargo xtask setup`, and the set-up that the other commands begin with.
//!
//! What lives here: which packages, servers, clips and Python modules each command
//! needs. What does not: how they are had (`packages`, `servers`, `npm`, `clips`,
//! `reference`).

use anyhow::{Result, bail};

use crate::arguments::Arguments;
use crate::clients;
use crate::clips::{self, Set};
use crate::npm;
use crate::packages::{
    self, BROWSER, BUILD, CAMERA, CLIENTS, FUZZER, MANUAL, Need, PEER, REFERENCE, SERVERS,
};
use crate::reference;
use crate::servers;
use crate::shell;
use crate::workspace::Workspace;

pub(crate) const HELP: &str = "\
Usage: cargo xtask setup [--no-install]

Makes this machine ready for every other command, and does nothing that was
done before. The other commands do their own part of it by themselves.

Debian packages that are missing are named together with what they are for, and
then installed with apt-get; where you are not root, sudo is used, and it must
not need a password. On another system the packages are named and nothing is
done.

The clips are made from one recording, vtest.avi out of Debian's package
opencv-doc, whose SHA-256 is checked. They lie in the folder `clips` of cargo's
target directory and are never committed.

Two RTSP servers of other makers, from which the tests read, are fetched from
crates.io and npm in pinned versions into the folder `servers` beside them; the
one from crates.io is built once, which takes up to a minute. axe-core, which
checks the pages for accessibility, comes from npm into the folder `tools`. OpenCV,
SciPy and NumPy, with which the tests compute scores independently, come from PyPI
in pinned versions into the folder `reference`. What generates and checks clients
comes from PyPI and npm, likewise, into the folder `clients`.

Options:
  --no-install  Neither looks for packages nor installs any. This is for systems
                other than Debian, once you have installed their counterparts.";

pub(crate) fn run(mut arguments: Arguments) -> Result<()> {
    let install = Install::take(&mut arguments);
    arguments.finish()?;
    let workspace = Workspace::find()?;
    prepare(&workspace, install, Purpose::Everything)?;
    println!(
        "Everything is ready. The clips are in {}.",
        workspace.clips().display()
    );
    Ok(())
}

/// Whether missing packages may be installed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Install {
    Missing,
    Nothing,
}

impl Install {
    /// Takes `--no-install` from the command line.
    pub(crate) fn take(arguments: &mut Arguments) -> Self {
        if arguments.flag("--no-install") {
            Self::Nothing
        } else {
            Self::Missing
        }
    }
}

/// What the machine is prepared for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Build,
    Demo,
    Test,
    Bench,
    Clients,
    Fuzz,
    Screenshots,
    Everything,
}

impl Purpose {
    fn needs(self) -> &'static [&'static Need] {
        match self {
            Self::Build => &[&BUILD],
            Self::Demo => &[&BUILD, &CAMERA, &PEER],
            Self::Bench => &[&BUILD, &CAMERA, &PEER, &REFERENCE],
            Self::Fuzz => &[&BUILD, &FUZZER],
            Self::Screenshots => &[&BUILD, &CAMERA, &PEER, &BROWSER],
            Self::Test => &[
                &BUILD, &CAMERA, &PEER, &SERVERS, &REFERENCE, &BROWSER, &CLIENTS, &MANUAL,
            ],
            Self::Clients => &[&BUILD, &CAMERA, &PEER, &CLIENTS],
            Self::Everything => &[
                &BUILD, &CAMERA, &PEER, &SERVERS, &REFERENCE, &BROWSER, &CLIENTS, &MANUAL, &FUZZER,
            ],
        }
    }

    /// Whether servers and tools of others are needed.
    fn others(self) -> bool {
        matches!(self, Self::Test | Self::Everything)
    }

    fn clients(self) -> bool {
        matches!(self, Self::Clients | Self::Test | Self::Everything)
    }

    fn reference(self) -> bool {
        matches!(self, Self::Test | Self::Bench | Self::Everything)
    }

    fn clips(self) -> Option<Set> {
        match self {
            Self::Build | Self::Fuzz => None,
            Self::Demo | Self::Clients | Self::Screenshots => Some(Set::Demo),
            Self::Test => Some(Set::Test),
            Self::Bench => Some(Set::Bench),
            Self::Everything => Some(Set::All),
        }
    }
}

/// Installs packages, fetches servers and makes clips, as far as `purpose` needs
/// them.
pub(crate) fn prepare(workspace: &Workspace, install: Install, purpose: Purpose) -> Result<()> {
    if install == Install::Missing {
        packages::ensure(purpose.needs())?;
    }
    if purpose.others() {
        servers::ensure(workspace)?;
        npm::ensure_axe(workspace)?;
    }
    if purpose.clients() {
        clients::ensure(workspace)?;
    }
    if purpose.reference() {
        reference::ensure(workspace)?;
    }
    let Some(set) = purpose.clips() else {
        return Ok(());
    };
    for program in ["ffmpeg", "/usr/bin/python3"] {
        if !shell::exists(program) {
            bail!("{program} is not installed, and --no-install forbids to change that");
        }
    }
    clips::ensure(&workspace.clips(), set)
}
