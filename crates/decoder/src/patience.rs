//! How long a camera may send packets without a picture that is of use. Silence is
//! the business of `packets`.

use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind};

/// A stream of which this much time and this many keyframes bring no picture at
/// all cannot be decoded.
const PICTURELESS: (Duration, u32) = (Duration::from_secs(10), 3);

/// The deadlines for pictures; none for a file.
pub(crate) struct Patience {
    camera: Option<String>,
    /// For the first keyframe; none once it came.
    first_keyframe: Option<Duration>,
    since: Option<Instant>,
    /// Since the last picture of any kind.
    picture: Option<Instant>,
    keyframes: u32,
}

impl Patience {
    pub(crate) fn with_camera(name: String, first_keyframe: Duration) -> Self {
        Self {
            camera: Some(name),
            first_keyframe: Some(first_keyframe),
            since: None,
            picture: None,
            keyframes: 0,
        }
    }

    pub(crate) fn with_file() -> Self {
        Self {
            camera: None,
            first_keyframe: None,
            since: None,
            picture: None,
            keyframes: 0,
        }
    }

    /// A packet came.
    pub(crate) fn packet(&mut self, arrival: Instant, keyframe: bool) -> Result<(), Error> {
        let Some(name) = &self.camera else {
            return Ok(());
        };
        self.keyframes += u32::from(keyframe);
        if keyframe {
            // That it cannot be decoded is another matter.
            self.first_keyframe = None;
        }
        let since = *self.since.get_or_insert(arrival);
        self.picture.get_or_insert(arrival);
        match self.first_keyframe {
            Some(allowed) if arrival.saturating_duration_since(since) >= allowed => {
                Err(Error::new(
                    ErrorKind::NoKeyframe,
                    format!(
                        "{name} sends video, but no picture in {} s that can be decoded by \
                         itself; set a shorter keyframe interval in the camera",
                        allowed.as_secs()
                    ),
                ))
            }
            _ => Ok(()),
        }
    }

    /// Packets so far brought pictures, and clean ones, or did not.
    pub(crate) fn pictures(&mut self, any: bool, clean: bool) -> Result<(), Error> {
        let (patience, keyframes) = PICTURELESS;
        if clean {
            self.first_keyframe = None;
        }
        if any {
            self.picture = None;
            self.keyframes = 0;
        }
        match (&self.camera, self.picture) {
            (Some(name), Some(since))
                if self.keyframes >= keyframes && since.elapsed() >= patience =>
            {
                Err(Error::new(
                    ErrorKind::Corrupt,
                    format!("{name} sends video of which no picture can be decoded"),
                ))
            }
            _ => Ok(()),
        }
    }
}
