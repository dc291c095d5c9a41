//! Which Debian packages are needed, and what for.
//!
//! What lives here: the lists, and saying what will be installed before it is.
//! What does not: the package tools (`system`).

use anyhow::Result;

use crate::system;

/// Packages that serve one purpose.
pub(crate) struct Need {
    /// Completes the sentence "Needed …".
    purpose: &'static str,
    packages: &'static [&'static str],
}

/// Everything that compiles the product.
pub(crate) const BUILD: Need = Need {
    purpose: "to build the decoder: FFmpeg's libraries, and what reads their headers",
    packages: &[
        "libavcodec-dev",
        "libavformat-dev",
        "libavutil-dev",
        "libswscale-dev",
        "pkg-config",
        "clang",
        "libclang-dev",
    ],
};

/// What `tests/camera/camera.py` runs on: RTSP server, bindings, and the
/// plug-ins that read containers, cut access units and pack them into RTP; for rtsps
/// what makes certificates, and what GStreamer speaks TLS with.
pub(crate) const CAMERA: Need = Need {
    purpose: "to serve recorded video as a network camera: GStreamer's RTSP server",
    packages: &[
        "python3",
        "python3-gi",
        "gir1.2-gst-rtsp-server-1.0",
        "gstreamer1.0-plugins-base",
        "gstreamer1.0-plugins-good",
        "gstreamer1.0-plugins-bad",
        "glib-networking",
        "openssl",
    ],
};

/// The reader that the product is compared with; it also makes the clips.
pub(crate) const PEER: Need = Need {
    purpose: "to make the clips, and as the independent reader to compare with",
    packages: &["ffmpeg"],
};

/// RTSP servers of other makers: VLC, and what `servers` builds another with.
pub(crate) const SERVERS: Need = Need {
    purpose: "to read from RTSP servers of other makers: VLC, and what links oddity-rtsp-server",
    packages: &[
        "vlc-bin",
        "vlc-plugin-base",
        "libavdevice-dev",
        "libavfilter-dev",
    ],
};

/// What the independent computation of the scores is installed with.
pub(crate) const REFERENCE: Need = Need {
    purpose: "to compute the scores independently, with OpenCV from PyPI",
    packages: &["python3", "python3-venv"],
};

/// The browser that opens the pages.
pub(crate) const BROWSER: Need = Need {
    purpose: "to open the pages in a real browser",
    packages: &["chromium", "chromium-driver"],
};

/// What client generators run on; one of them is written in Java.
pub(crate) const CLIENTS: Need = Need {
    purpose: "to generate clients of the OpenAPI document",
    packages: &["python3", "python3-venv", "openjdk-17-jre-headless"],
};

/// What manual pages are judged by.
pub(crate) const MANUAL: Need = Need {
    purpose: "to read the manual pages as `man` does",
    packages: &["groff-base"],
};

/// What compiles the fuzzer.
pub(crate) const FUZZER: Need = Need {
    purpose: "to build the fuzzer, which is written in C++",
    packages: &["g++"],
};

/// Installs what is missing of `needs`, having said what and why.
pub(crate) fn ensure(needs: &[&Need]) -> Result<()> {
    let all: Vec<&str> = needs
        .iter()
        .flat_map(|need| need.packages)
        .copied()
        .collect();
    system::require_debian(&all)?;
    let missing = system::missing(&all)?;
    if missing.is_empty() {
        return Ok(());
    }
    println!("{}", announcement(needs, &missing));
    system::install(&missing)
}

fn announcement(needs: &[&Need], missing: &[&str]) -> String {
    let mut text = String::from("These Debian packages are missing and will be installed now:\n");
    text.extend(needs.iter().filter_map(|need| need.lines(missing)));
    text
}

impl Need {
    /// Those of its packages that are missing, and what they are for.
    fn lines(&self, missing: &[&str]) -> Option<String> {
        let absent = self.packages.iter().filter(|name| missing.contains(name));
        let absent: Vec<&str> = absent.copied().collect();
        let names = absent.join(" ");
        (!names.is_empty()).then(|| format!("  {names}\n    needed {}\n", self.purpose))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_missing_package_is_announced_with_its_purpose() {
        let text = announcement(&[&BUILD, &PEER, &BROWSER], &["clang", "ffmpeg"]);
        assert!(text.contains("  clang\n    needed to build the decoder"));
        assert!(text.contains("  ffmpeg\n    needed to make the clips"));
        assert!(!text.contains("chromium"));
    }
}
