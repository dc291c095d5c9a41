//! Finding galleries, and a catalogue that may be wrong in every way.

use std::fs;
use std::path::Path;

use bestshot_gallery::{Cursor, ErrorKind, Filter, PictureKind, Store};

use crate::support::{check_whole, listed, manifest, save, visible};

/// A gallery as another program could have put it there: no pictures, only what
/// the list reads.
fn place(data: &Path, id: &str, second: u64) {
    let directory = data.join(id);
    fs::create_dir(&directory).unwrap();
    let json = serde_json::to_vec(&manifest(id, second, &[])).unwrap();
    fs::write(directory.join("manifest.json"), json).unwrap();
}

#[test]
fn the_list_is_newest_first_and_pages_without_gap_or_repetition() {
    let data = tempfile::tempdir().unwrap();
    let mut expected = Vec::new();
    for number in 0..50_u64 {
        let id = format!("s-{number:02}");
        // Three at a time start in the same second.
        place(data.path(), &id, number / 3);
        expected.push(id);
    }
    expected.reverse();
    let store = Store::open(data.path()).unwrap();
    assert_eq!(listed(&store), expected);
    assert_eq!(store.newest().unwrap().unwrap().id(), "s-49");
    let exactly_all = store.list(&Filter::default(), None, 50).unwrap();
    assert_eq!(exactly_all.items.len(), 50);
    assert!(exactly_all.next.is_none());
}

#[test]
fn a_cursor_survives_being_text() {
    let data = tempfile::tempdir().unwrap();
    for number in 0..5 {
        place(data.path(), &format!("s-{number}"), number);
    }
    let store = Store::open(data.path()).unwrap();
    let first = store.list(&Filter::default(), None, 2).unwrap();
    let text = first.next.unwrap().to_string();
    let next = store
        .list(
            &Filter::default(),
            Some(&text.parse::<Cursor>().unwrap()),
            2,
        )
        .unwrap();
    assert_eq!(next.items[0].id(), "s-2");
    for wrong in [
        "",
        "zz",
        "0123456789abcdef",
        "0123456789abcdef../x",
        "+123456789abcdefa",
        "é123456789abcdef",
    ] {
        let error = wrong.parse::<Cursor>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{wrong}");
    }
}

#[test]
fn ids_never_lead_out_of_the_data_directory() {
    let outside = tempfile::tempdir().unwrap();
    place(outside.path(), "secret", 0);
    let data = outside.path().join("data");
    let store = Store::open(&data).unwrap();
    for id in [
        "../secret",
        "",
        ".",
        "..",
        ".lock",
        "a/b",
        "a\0b",
        "catalogue.sqlite",
        &"a".repeat(65),
    ] {
        assert!(store.get(id).unwrap().is_none(), "{id:?}");
        assert!(!store.delete(id).unwrap(), "{id:?}");
        assert_eq!(
            store.draft(id).unwrap_err().kind(),
            ErrorKind::Invalid,
            "{id:?}"
        );
    }
    assert!(outside.path().join("secret/manifest.json").exists());
    assert!(store.draft(&"a".repeat(64)).is_ok());
}

#[test]
fn a_path_in_a_manifest_never_leads_out_of_its_gallery() {
    let data = tempfile::tempdir().unwrap();
    fs::write(data.path().join("secret"), "secret").unwrap();
    let mut evil = manifest("s-1", 0, &[1]);
    evil.winners[0].original = Some("../secret".to_owned());
    place(data.path(), "s-1", 0);
    let json = serde_json::to_vec(&evil).unwrap();
    fs::write(data.path().join("s-1/manifest.json"), json).unwrap();
    let gallery = Store::open(data.path())
        .unwrap()
        .get("s-1")
        .unwrap()
        .unwrap();
    assert!(gallery.picture(1, PictureKind::Original).unwrap().is_none());
}

#[test]
fn an_id_is_used_once() {
    let data = tempfile::tempdir().unwrap();
    let store = Store::open(data.path()).unwrap();
    let draft = store.draft("s-1").unwrap();
    assert_eq!(store.draft("s-1").unwrap_err().kind(), ErrorKind::Exists);
    draft.commit(&manifest("s-1", 0, &[])).unwrap();
    assert_eq!(store.draft("s-1").unwrap_err().kind(), ErrorKind::Exists);
}

#[test]
fn a_deleted_gallery_is_gone_and_the_others_stay() {
    let data = tempfile::tempdir().unwrap();
    let store = Store::open(data.path()).unwrap();
    save(&store, "s-1", 1, &[1]);
    save(&store, "s-2", 2, &[1]);
    assert!(store.delete("s-2").unwrap());
    assert!(!store.delete("s-2").unwrap());
    assert!(store.get("s-2").unwrap().is_none());
    assert_eq!(visible(data.path()), ["s-1"]);
    check_whole(&store.newest().unwrap().unwrap());
}

#[test]
fn a_data_directory_serves_one_store_at_a_time() {
    let data = tempfile::tempdir().unwrap();
    let store = Store::open(data.path()).unwrap();
    let error = Store::open(data.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InUse);
    assert!(error.to_string().starts_with("another bestshot is using "));
    // A draft keeps its store.
    let draft = store.draft("s-1").unwrap();
    drop(store);
    assert_eq!(
        Store::open(data.path()).unwrap_err().kind(),
        ErrorKind::InUse
    );
    drop(draft);
    Store::open(data.path()).unwrap();
}

#[test]
fn what_a_crash_left_is_removed_at_the_next_start() {
    let data = tempfile::tempdir().unwrap();
    for name in [
        ".s-1.tmp/originals",
        ".s-2.gone",
        ".not an id.tmp",
        ".cache",
    ] {
        fs::create_dir_all(data.path().join(name)).unwrap();
    }
    fs::write(data.path().join(".s-1.tmp/originals/1-1.png"), "half").unwrap();
    Store::open(data.path()).unwrap();
    // What is not ours stays.
    assert_eq!(visible(data.path()), [".cache", ".not an id.tmp"]);
}

#[test]
fn a_missing_or_damaged_catalogue_is_made_anew() {
    let data = tempfile::tempdir().unwrap();
    let store = Store::open(data.path()).unwrap();
    for number in 0..20 {
        save(&store, &format!("s-{number:02}"), number, &[1]);
    }
    let expected = listed(&store);
    drop(store);
    let path = data.path().join("catalogue.sqlite");
    let sound = fs::read(&path).unwrap();
    let mut torn = sound.clone();
    let middle = torn.len() / 2;
    torn[100..middle].fill(0xA5);
    let damages: [(&str, &dyn Fn()); 5] = [
        ("missing", &|| fs::remove_file(&path).unwrap()),
        ("empty", &|| fs::write(&path, "").unwrap()),
        ("not SQLite", &|| {
            fs::write(&path, "hello".repeat(1000)).unwrap();
        }),
        ("torn", &|| fs::write(&path, &torn).unwrap()),
        ("cut off", &|| {
            fs::write(&path, &sound[..sound.len() / 2]).unwrap();
        }),
    ];
    for (what, damage) in damages {
        damage();
        let store = Store::open(data.path()).unwrap();
        assert_eq!(listed(&store), expected, "{what}");
    }
    // A directory cannot be removed as a file: memory takes its place.
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let store = Store::open(data.path()).unwrap();
    assert_eq!(listed(&store), expected);
    save(&store, "s-99", 99, &[1]);
    assert_eq!(store.newest().unwrap().unwrap().id(), "s-99");
}

#[test]
fn a_catalogue_damaged_while_open_is_made_anew() {
    let data = tempfile::tempdir().unwrap();
    let store = Store::open(data.path()).unwrap();
    save(&store, "s-1", 1, &[1]);
    save(&store, "s-2", 2, &[1]);
    for suffix in ["", "-wal"] {
        let path = data.path().join(format!("catalogue.sqlite{suffix}"));
        let length = fs::read(&path).unwrap().len();
        fs::write(&path, vec![0xA5; length]).unwrap();
    }
    save(&store, "s-3", 3, &[1]);
    assert_eq!(listed(&store), ["s-3", "s-2", "s-1"]);
}

#[test]
fn directories_added_or_removed_by_hand_are_noticed() {
    let data = tempfile::tempdir().unwrap();
    let store = Store::open(data.path()).unwrap();
    for number in 0..6 {
        save(&store, &format!("s-{number}"), number, &[1]);
    }
    // While it is open: what is gone is not shown, and pages stay full.
    fs::remove_dir_all(data.path().join("s-4")).unwrap();
    fs::remove_dir_all(data.path().join("s-5")).unwrap();
    assert!(store.get("s-5").unwrap().is_none());
    assert_eq!(store.newest().unwrap().unwrap().id(), "s-3");
    assert_eq!(listed(&store), ["s-3", "s-2", "s-1", "s-0"]);
    drop(store);
    // At the next start: what is new is shown, what is no gallery is not.
    place(data.path(), "s-9", 9);
    fs::create_dir(data.path().join("holiday")).unwrap();
    fs::write(data.path().join("notes"), "a file").unwrap();
    fs::create_dir_all(data.path().join("odd/manifest.json")).unwrap();
    fs::create_dir(data.path().join("broken")).unwrap();
    fs::write(data.path().join("broken/manifest.json"), "{").unwrap();
    fs::rename(data.path().join("s-0"), data.path().join("renamed")).unwrap();
    let store = Store::open(data.path()).unwrap();
    assert_eq!(listed(&store), ["s-9", "s-3", "s-2", "s-1"]);
    assert!(data.path().join("holiday").exists());
}
