#![doc = include_str!("../README.md")]

mod arrivals;
mod credentials;
mod decode;
mod diagnosis;
mod error;
mod ffi;
mod flight;
mod frame;
mod frames;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod gate;
mod group;
mod knock;
mod log;
mod nal;
mod open;
mod options;
mod orientation;
mod pace;
mod packets;
mod patience;
mod policy;
mod queue;
mod recording;
mod redact;
mod refiner;
mod repeats;
mod resolve;
mod rgb;
mod sampler;
mod sampling;
mod timeline;
mod unit;
mod url;
mod url_error;
mod watch;

pub use error::{Error, ErrorKind};
pub use frame::{Chroma, ChromaPlane, Frame, Luma};
pub use frames::{Counters, Frames, StreamInfo};
pub use gate::Taint;
pub use group::Group;
pub use knock::port_is_open;
pub use options::{Deadlines, OpenOptions, Transport, UnknownTransport};
pub use orientation::Orientation;
pub use policy::{AddressPolicy, AddressRefused};
pub use rgb::{Matrix, Rgb8};
pub use sampler::Step;
pub use sampling::{Sampling, UnknownSampling};
pub use url::RtspUrl;
pub use url_error::UrlError;
pub use watch::Stop;

/// Lowers the largest single allocation that libav may make, in this whole
/// process: a camera can announce a message of 2 GiB. For programs that read
/// cameras they do not trust; a limit of 256 MiB lets every real picture pass.
pub fn limit_allocation(bytes: usize) {
    ffi::limit_allocation(bytes);
}

/// Makes this process give large blocks of memory back to the system as soon as
/// they are free, and share few heaps between its threads. For programs that
/// handle pictures of megabytes now and then: glibc would otherwise keep tens of
/// megabytes for later. Call it before threads are started; elsewhere than on
/// glibc it does nothing.
pub fn keep_heap_small() {
    ffi::keep_heap_small();
}

/// Takes [`keep_heap_small`] back, for a process that has pictures to write and will then
/// end: free memory is used again at once. To take it from the system anew for each
/// picture was an eighth of the time that nine pictures of 1920×1080 take.
pub fn let_heap_grow() {
    ffi::let_heap_grow();
}
