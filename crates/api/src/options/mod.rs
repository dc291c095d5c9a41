//! The start options: one table of names, ranges and defaults from which the
//! document is described (`table`), and one check for every way in (form,
//! multipart, JSON, command line). It finds all faults at once and words them
//! for a camera's owner. What a client wrote is in `given`.

use std::{num::NonZeroUsize, ops::RangeInclusive, time::Duration};

use bestshot_decoder::{AddressPolicy, RtspUrl, Sampling, Transport, UrlError};
use bestshot_gallery::{Fit, ThumbnailSpec, manifest};
use bestshot_ranker::{Apart, Blend, Region};
use bestshot_session::{Job, Source};
use serde_json::Value;

use self::table::{DAY, FITS, LIMIT, SAMPLINGS, SIDE, TRANSPORTS, WAIT, YEAR};
pub(crate) use self::{
    given::Given,
    table::{START_OPTIONS, Shape, StartOption},
};
use crate::problem::FieldError;

mod given;
mod table;

/// Start options that can be carried out.
#[derive(Debug)]
pub(crate) struct Checked {
    best: Blend,
    apart: Apart,
    region: Region,
    limit: NonZeroUsize,
    thumbnail: ThumbnailSpec,
    transport: Transport,
    sampling: Sampling,
    duration: Option<Duration>,
    /// How long the answer may be held.
    pub(crate) wait: Duration,
    /// The same as the interface shows them.
    pub(crate) shown: manifest::Options,
}

impl Checked {
    /// The session to start on `source`.
    pub(crate) fn job(&self, source: Source, policy: AddressPolicy) -> Job {
        Job::new(source)
            .best(self.best.clone())
            .apart(self.apart)
            .region(self.region.clone())
            .limit(self.limit)
            .thumbnail(self.thumbnail)
            .transport(self.transport)
            .sampling(self.sampling)
            .tls_insecure(self.shown.tls_insecure)
            .warmup(Duration::from_secs_f64(self.shown.warmup))
            .persist(self.shown.persist)
            .duration(self.duration)
            .policy(policy)
    }
}

/// Why a start request cannot be carried out.
#[derive(Debug)]
pub(crate) struct Faults {
    /// Every field at fault.
    pub(crate) errors: Vec<FieldError>,
    /// Whether the camera's address is missing or is not one: a 400. Otherwise
    /// the request is well formed but out of range: a 422.
    pub(crate) malformed: bool,
}

/// Checks a request to read a camera.
///
/// # Errors
/// [`Faults`] with every field at fault.
pub(crate) fn check_camera(
    given: &Given,
    policy: &AddressPolicy,
) -> Result<(RtspUrl, Checked), Faults> {
    let mut check = Check::new(given);
    let url = check.camera(policy);
    let options = check.options();
    match (url, options) {
        (Some(url), Some(options)) if check.errors.is_empty() => Ok((url, options)),
        _ => Err(Faults {
            errors: check.errors,
            malformed: check.malformed,
        }),
    }
}

/// Checks the options alone, for a source that is no camera.
///
/// # Errors
/// [`Faults`] with every field at fault.
pub(crate) fn check_options(given: &Given) -> Result<Checked, Faults> {
    let mut check = Check::new(given);
    match check.options() {
        Some(options) if check.errors.is_empty() => Ok(options),
        _ => Err(Faults {
            errors: check.errors,
            malformed: false,
        }),
    }
}

/// Collects faults while it reads the fields.
struct Check<'a> {
    given: &'a Given,
    errors: Vec<FieldError>,
    malformed: bool,
}

impl<'a> Check<'a> {
    fn new(given: &'a Given) -> Self {
        let known = |name: &str| START_OPTIONS.iter().any(|o| o.name == name);
        let errors = given
            .values
            .keys()
            .filter(|name| !known(name))
            .map(|name| FieldError::new(name, "There is no such option."))
            .collect();
        Self {
            given,
            errors,
            malformed: false,
        }
    }

    fn fault(&mut self, name: &str, message: impl Into<String>) {
        self.errors.push(FieldError::new(name, message));
    }

    fn text(&mut self, name: &str) -> Option<&'a str> {
        let value = self.given.values.get(name)?;
        if value.as_str().is_none() {
            self.fault(name, format!("{name} is written as text."));
        }
        value.as_str()
    }

    fn number(&mut self, name: &str, range: RangeInclusive<f64>) -> Option<f64> {
        let value = self.given.values.get(name)?;
        let number = match value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) if !self.given.typed => text.trim().parse().ok(),
            _ => None,
        };
        let inside = number.filter(|n| range.contains(n));
        if inside.is_none() {
            self.fault(
                name,
                format!(
                    "{name} is a number from {} to {}.",
                    range.start(),
                    range.end()
                ),
            );
        }
        inside
    }

    fn whole(&mut self, name: &str, range: RangeInclusive<u32>) -> Option<u32> {
        let value = self.given.values.get(name)?;
        let number = match value {
            Value::Number(number) => number.as_f64().and_then(whole),
            Value::String(text) if !self.given.typed => text.trim().parse().ok(),
            _ => None,
        };
        let inside = number.filter(|n| range.contains(n));
        if inside.is_none() {
            self.fault(
                name,
                format!(
                    "{name} is a whole number from {} to {}.",
                    range.start(),
                    range.end()
                ),
            );
        }
        inside
    }

    fn flag(&mut self, name: &str) -> Option<bool> {
        let value = self.given.values.get(name)?;
        let flag = match value {
            Value::Bool(flag) => Some(*flag),
            // `on` is what a ticked box of a form sends, `True` what Python writes.
            Value::String(text) if !self.given.typed => match text.trim() {
                "true" | "True" | "on" | "1" => Some(true),
                "false" | "False" | "off" | "0" => Some(false),
                _ => None,
            },
            _ => None,
        };
        if flag.is_none() {
            self.fault(name, format!("{name} is true or false."));
        }
        flag
    }

    fn word(&mut self, name: &str, words: &[&str]) -> Option<&'a str> {
        let text = self.text(name)?;
        if words.contains(&text) {
            return Some(text);
        }
        self.fault(name, format!("{name} is one of {}.", words.join(", ")));
        None
    }

    fn camera(&mut self, policy: &AddressPolicy) -> Option<RtspUrl> {
        let before = self.errors.len();
        let text = self.text("rtsp_url");
        self.malformed = self.errors.len() > before;
        if self.malformed {
            return None;
        }
        let url = match RtspUrl::parse(text.unwrap_or_default()) {
            Ok(url) => url,
            Err(error) => {
                self.malformed = true;
                self.fault("rtsp_url", sentence(&error));
                return None;
            }
        };
        if let Some(refused) = url.host_address().and_then(|ip| policy.check(ip).err()) {
            self.fault("rtsp_url", sentence(&refused));
        }
        let (username, password) = (self.text("username"), self.text("password"));
        if username.is_none() && password.is_none() {
            return Some(url);
        }
        match url.with_credentials(username.unwrap_or_default(), password.unwrap_or_default()) {
            Ok(url) => Some(url),
            Err(error) => {
                let field = if error == UrlError::NoUsername {
                    "username"
                } else {
                    "password"
                };
                self.fault(field, sentence(&error));
                None
            }
        }
    }

    /// All the options but address and credentials. `None` only together with
    /// a fault; a fault may still come with options.
    fn options(&mut self) -> Option<Checked> {
        let mut shown = manifest::Options::default();
        let best = self.best();
        shown.limit = self.whole("limit", LIMIT).unwrap_or(shown.limit);
        shown.width = self.whole("width", SIDE).unwrap_or(shown.width);
        shown.height = self.whole("height", SIDE).unwrap_or(shown.height);
        let fit = self.word("fit", FITS).and_then(|w| w.parse::<Fit>().ok());
        shown.fit = fit.unwrap_or_default();
        let transport = self.word("transport", TRANSPORTS).unwrap_or("auto");
        let sampling = self.word("sampling", SAMPLINGS);
        let sampling = sampling.and_then(|word| word.parse::<Sampling>().ok());
        let sampling = sampling.unwrap_or_default();
        shown.tls_insecure = self.flag("tls_insecure").unwrap_or_default();
        shown.persist = self.flag("persist").unwrap_or_default();
        shown.warmup = self.number("warmup", 0.0..=DAY).unwrap_or_default();
        shown.duration = self.number("duration", 0.0..=YEAR);
        // Also what is less than the clock can tell apart.
        if shown.duration.map(Duration::from_secs_f64) == Some(Duration::ZERO) {
            self.fault("duration", "duration is more than 0 seconds.");
        }
        let wait = self.number("wait", WAIT.0..=WAIT.1).unwrap_or(0.0);
        let apart = self.apart();
        shown.min_gap = apart.min_gap.as_secs_f64();
        shown.distinct = apart.distinct;
        let region = self.region(&mut shown);

        let best = best?;
        shown.best = best.to_string();
        transport.clone_into(&mut shown.transport);
        shown.sampling = sampling.to_string();
        Some(Checked {
            best,
            apart,
            region: region?,
            limit: NonZeroUsize::new(usize::try_from(shown.limit).ok()?)?,
            thumbnail: ThumbnailSpec::new(shown.width, shown.height, shown.fit).ok()?,
            transport: transport.parse().ok()?,
            sampling,
            duration: shown.duration.map(Duration::from_secs_f64),
            wait: Duration::from_secs_f64(wait),
            shown,
        })
    }

    fn best(&mut self) -> Option<Blend> {
        if !self.given.values.contains_key("best") {
            return Some(Blend::default());
        }
        let read = self.text("best")?.parse();
        if let Err(error) = &read {
            self.fault("best", table::not_a_blend(error));
        }
        read.ok()
    }

    fn apart(&mut self) -> Apart {
        let min_gap = self.number("min_gap", 0.0..=DAY).unwrap_or_default();
        Apart {
            min_gap: Duration::from_secs_f64(min_gap),
            distinct: self.number("distinct", 0.0..=1.0).unwrap_or_default(),
        }
    }

    /// What is scored of each picture.
    fn region(&mut self, shown: &mut manifest::Options) -> Option<Region> {
        let mut rectangles = |name: &str| {
            let text = self.text(name).unwrap_or_default();
            let read = Region::rectangles(text);
            if let Err(error) = &read {
                self.fault(name, sentence(error));
            }
            Some((read.ok()?, (!text.is_empty()).then(|| text.to_owned())))
        };
        let (include, exclude) = (rectangles("roi"), rectangles("exclude"));
        let ((include, roi), (exclude, left_out)) = (include?, exclude?);
        shown.roi = roi;
        shown.exclude = left_out;
        let field = if exclude.is_empty() { "roi" } else { "exclude" };
        let region = Region::new(include, exclude);
        if let Err(error) = &region {
            self.fault(field, sentence(error));
        }
        region.ok()
    }
}

/// A number that is whole, as JSON may write it (`9` or `9.0`).
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked just before"
)]
fn whole(number: f64) -> Option<u32> {
    let fits = (0.0..=f64::from(u32::MAX)).contains(&number) && number.fract() == 0.0;
    fits.then_some(number as u32)
}

/// An error's message as a sentence.
fn sentence(error: &dyn std::fmt::Display) -> String {
    let text = error.to_string();
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), chars.as_str()),
        None => text,
    }
}

#[cfg(test)]
mod tests;
