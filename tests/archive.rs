//! A gallery as a ZIP file: unpacked by another program it is the saved directory.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use bestshot_tests::{Camera, Service, files_below};

fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = files_below(folder).into_iter();
    let each = files.map(|file| {
        let name = file.strip_prefix(folder).expect("it lies below");
        let bytes = fs::read(&file).expect("it can be read");
        (name.to_string_lossy().into_owned(), bytes)
    });
    each.collect()
}

#[tokio::test]
async fn an_archive_unpacks_to_the_saved_directory_byte_for_byte() {
    let camera = Camera::with(&["/cam=vtest_h264.mp4,speed=4"]);
    let (camera, service) = tokio::join!(camera, Service::start());
    let id = service.begin(&camera.url("/cam")).await;
    let target = format!("/v1/sessions/{id}/archive");
    service.until_winners(&id, 9).await;
    service.get(&target).await.problem(&[409]);
    service.halt(&id).await;
    let answer = service.get(&target).await.expect(200);
    assert_eq!(answer.media_type(), "application/zip");
    let named = answer.header("content-disposition");
    assert_eq!(named, format!("attachment; filename=\"bestshot-{id}.zip\""));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("gallery.zip");
    fs::write(&file, &answer.body).expect("it can be written");
    let unpacked = folder.path().join("unpacked");
    let python = Command::new("/usr/bin/python3")
        .args(["-m", "zipfile", "-e"])
        .args([&file, &unpacked])
        .status();
    assert!(python.expect("Python can be started").success());
    let saved = contents(&service.data().join(&id));
    let archived = contents(&unpacked.join(format!("bestshot-{id}")));
    assert!(saved.len() == 21, "{:?}", saved.keys());
    assert!(saved == archived, "{:?}", archived.keys());
}

#[tokio::test]
async fn a_session_that_is_not_known_has_no_archive() {
    let service = Service::start().await;
    service
        .get("/v1/sessions/none/archive")
        .await
        .problem(&[404]);
}
