#![doc = include_str!("../README.md")]

mod archive;
mod catalogue;
mod commit;
mod draft;
mod error;
mod files;
mod filter;
mod gallery;
pub mod manifest;
mod page;
mod picture;
mod plot;
mod png;
mod store;
mod thumbnail;
mod words;

pub use crate::draft::Draft;
pub use crate::error::{Error, ErrorKind};
pub use crate::filter::Filter;
pub use crate::gallery::Gallery;
pub use crate::page::{CSS, Links, SCRIPT, Style, page};
pub use crate::picture::{
    Fit, MAX_PICTURE_SIDE, MAX_THUMBNAIL_SIDE, Picture, PictureKind, ThumbnailSpec,
};
pub use crate::plot::plot;
pub use crate::png::{Effort, annotate, annotate_file, encode};
pub use crate::store::{Cursor, Listing, Store};
pub use crate::thumbnail::thumbnail;
