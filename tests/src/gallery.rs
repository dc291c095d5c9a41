//! Folders full of galleries: one that the service saved, copied as often as wanted.

use std::{fs, path::Path};

use serde_json::{Value, json};

/// Puts copies of a saved gallery beside it, a minute apart into the past from noon
/// of 1 March 2026, from three cameras in turn. Each has a manifest of its own and the
/// original's thumbnails; a service that starts on the folder takes them up.
///
/// # Panics
/// Where the disk does not take them.
pub fn copy_gallery(data: &Path, id: &str, count: u32) {
    let original = data.join(id);
    let text = fs::read_to_string(original.join("manifest.json")).expect("a manifest");
    let manifest: Value = serde_json::from_str(&text).expect("it is JSON");
    let newest: jiff::Timestamp = "2026-03-01T12:00:00Z".parse().expect("a time");
    for number in 0..count {
        let started = newest - jiff::SignedDuration::from_mins(i64::from(number));
        let id = format!("{}-{number:08x}", started.strftime("%Y%m%d-%H%M%S000"));
        let mut manifest = manifest.clone();
        manifest["id"] = json!(id);
        manifest["source"] = json!(format!("rtsp://10.0.0.{}/stream1", number % 3 + 1));
        manifest["started_at"] = json!(started.to_string());
        manifest["ended_at"] = json!(started.to_string());
        let folder = data.join(&id);
        for kind in ["thumbnails", "originals"] {
            fs::create_dir_all(folder.join(kind)).expect("a folder can be made");
        }
        fs::write(folder.join("manifest.json"), manifest.to_string()).expect("it is written");
        let thumbnails = fs::read_dir(original.join("thumbnails")).expect("thumbnails");
        for picture in thumbnails.flatten() {
            let name = folder.join("thumbnails").join(picture.file_name());
            fs::hard_link(picture.path(), name).expect("a link can be made");
        }
    }
}
