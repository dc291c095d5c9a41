//! From draft to gallery while nothing goes wrong, and what a failure leaves.

use std::fs;

use bestshot_gallery::{ErrorKind, PictureKind, Store};

use crate::support::{
    check_whole, decode, files_in, manifest, png, put_all, save, visible, winner,
};

#[test]
fn winners_are_found_by_rank_with_their_texts() {
    let data = tempfile::tempdir().unwrap();
    let store = Store::open(data.path()).unwrap();
    let gallery = save(&store, "s-1", 0, &[17, 4, 30]);
    check_whole(&gallery);
    for (rank, key) in [(1, 17), (2, 4), (3, 30)] {
        let original = gallery
            .picture(rank, PictureKind::Original)
            .unwrap()
            .unwrap();
        let plain = png(40, 30, key + 1000);
        // Only the twelve bytes of the end have moved.
        assert_eq!(original[..plain.len() - 12], plain[..plain.len() - 12]);
        let (size, texts) = decode(&original);
        assert_eq!(size, (40, 30));
        assert_eq!(texts["Title"], format!("Brightest frame {rank} of 3"));
        assert_eq!(texts["Source"], "rtsp://camera.example/Einfahrt-門");
        assert_eq!(
            texts["Creation Time"],
            format!("2026-01-31T12:00:{key:02}Z")
        );
        assert_eq!(texts["bestshot:session"], "s-1");
        assert_eq!(texts["bestshot:characteristic"], "brightness");
        assert_eq!(texts["bestshot:stream_time"], key.to_string());
        let score = winner(key).score;
        assert_eq!(texts["bestshot:score"].parse(), Ok(score));
    }
    assert!(gallery.picture(0, PictureKind::Original).unwrap().is_none());
    assert!(gallery.picture(4, PictureKind::Original).unwrap().is_none());
}

#[test]
fn pictures_of_frames_that_lost_are_left_out() {
    let data = tempfile::tempdir().unwrap();
    let store = Store::open(data.path()).unwrap();
    let draft = store.draft("s-1").unwrap();
    put_all(&draft, &[1, 2, 3, 4]);
    draft.remove(1);
    assert!(!draft.has(1, PictureKind::Original));
    assert!(draft.read(1, PictureKind::Original).unwrap().is_none());
    // 4 was never removed, but is no winner either.
    let gallery = draft.commit(&manifest("s-1", 0, &[3, 2])).unwrap();
    check_whole(&gallery);
    assert_eq!(gallery.manifest().winners.len(), 2);
}

#[test]
fn a_winner_whose_original_was_lost_is_kept_without_it() {
    let data = tempfile::tempdir().unwrap();
    let store = Store::open(data.path()).unwrap();
    let draft = store.draft("s-1").unwrap();
    put_all(&draft, &[1]);
    draft
        .put(2, PictureKind::Thumbnail, &png(20, 20, 2))
        .unwrap();
    let gallery = draft.commit(&manifest("s-1", 0, &[1, 2, 3])).unwrap();
    check_whole(&gallery);
    let winners = &gallery.manifest().winners;
    assert_eq!(winners[0].original.as_deref(), Some("originals/01.png"));
    assert_eq!(winners[1].thumbnail.as_deref(), Some("thumbnails/02.png"));
    assert_eq!(winners[1].original, None);
    assert_eq!(winners[2].thumbnail, None);
    assert!(gallery.picture(2, PictureKind::Original).unwrap().is_none());
}

#[test]
fn a_session_without_winners_has_a_gallery_too() {
    let data = tempfile::tempdir().unwrap();
    let store = Store::open(data.path()).unwrap();
    check_whole(&save(&store, "s-1", 0, &[]));
}

#[test]
fn a_hundred_winners_are_saved() {
    let data = tempfile::tempdir().unwrap();
    let store = Store::open(data.path()).unwrap();
    let keys: Vec<u64> = (0..100).collect();
    let gallery = save(&store, "s-1", 0, &keys);
    check_whole(&gallery);
    assert!(gallery.directory().join("originals/100.png").is_file());
}

#[test]
fn a_picture_put_again_replaces_the_first() {
    let data = tempfile::tempdir().unwrap();
    let store = Store::open(data.path()).unwrap();
    let draft = store.draft("s-1").unwrap();
    put_all(&draft, &[1]);
    let newer = png(20, 20, 99);
    draft.put(1, PictureKind::Thumbnail, &newer).unwrap();
    assert_eq!(draft.read(1, PictureKind::Thumbnail).unwrap(), Some(newer));
    check_whole(&draft.commit(&manifest("s-1", 0, &[1])).unwrap());
}

#[test]
fn a_draft_is_invisible_and_leaves_nothing_when_dropped() {
    let data = tempfile::tempdir().unwrap();
    let store = Store::open(data.path()).unwrap();
    let draft = store.draft("s-1").unwrap();
    put_all(&draft, &[1]);
    assert!(store.newest().unwrap().is_none());
    assert_eq!(visible(data.path()), [".s-1.tmp"]);
    drop(draft);
    assert!(visible(data.path()).is_empty());
    // The id is free again.
    check_whole(&save(&store, "s-1", 0, &[1]));
}

#[test]
fn a_saved_draft_still_gives_its_pictures_and_takes_no_more() {
    let data = tempfile::tempdir().unwrap();
    let store = Store::open(data.path()).unwrap();
    let draft = store.draft("s-1").unwrap();
    put_all(&draft, &[5]);
    draft.commit(&manifest("s-1", 0, &[5])).unwrap();
    let read = draft.read(5, PictureKind::Thumbnail).unwrap().unwrap();
    assert_eq!(decode(&read).0, (20, 20));
    let late = draft.put(6, PictureKind::Thumbnail, &png(20, 20, 6));
    assert_eq!(late.unwrap_err().kind(), ErrorKind::Closed);
    let again = draft.commit(&manifest("s-1", 0, &[5]));
    assert_eq!(again.unwrap_err().kind(), ErrorKind::Closed);
    draft.remove(5);
    draft.abandon().unwrap();
    drop(draft);
    check_whole(&store.get("s-1").unwrap().unwrap());
}

#[test]
fn an_abandoned_draft_is_gone_at_once() {
    let data = tempfile::tempdir().unwrap();
    let store = Store::open(data.path()).unwrap();
    let draft = store.draft("s-1").unwrap();
    put_all(&draft, &[5]);
    draft.abandon().unwrap();
    assert!(visible(data.path()).is_empty());
    let error = draft.commit(&manifest("s-1", 0, &[])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
}

#[test]
fn what_cannot_be_a_gallery_is_refused_and_the_draft_stays() {
    let data = tempfile::tempdir().unwrap();
    let store = Store::open(data.path()).unwrap();
    let draft = store.draft("s-1").unwrap();
    put_all(&draft, &[5]);
    let not_png = draft.put(5, PictureKind::Thumbnail, b"GIF89a");
    assert_eq!(not_png.unwrap_err().kind(), ErrorKind::Invalid);
    let other = draft.commit(&manifest("s-2", 0, &[5]));
    assert_eq!(other.unwrap_err().kind(), ErrorKind::Invalid);
    let mut timeless = manifest("s-1", 0, &[5]);
    timeless.started_at = "noon".to_owned();
    let error = draft.commit(&timeless).unwrap_err();
    assert_eq!(
        error.to_string(),
        "started_at is a time such as 2026-01-31T12:00:00Z, not \"noon\""
    );
    check_whole(&draft.commit(&manifest("s-1", 0, &[5])).unwrap());
}

/// `/dev/full` stands for a full disk in one file: everything before that file
/// has been done when it fails.
#[test]
fn a_failed_save_leaves_nothing_visible_and_can_be_tried_again() {
    let data = tempfile::tempdir().unwrap();
    let store = Store::open(data.path()).unwrap();
    for (round, name) in ["manifest.json", "index.html"].into_iter().enumerate() {
        let id = format!("s-{round}");
        let draft = store.draft(&id).unwrap();
        put_all(&draft, &[1, 2, 3]);
        let trap = data.path().join(format!(".{id}.tmp")).join(name);
        std::os::unix::fs::symlink("/dev/full", &trap).unwrap();
        for _ in 0..2 {
            let error = draft.commit(&manifest(&id, 0, &[1, 2, 3])).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NoSpace, "{error}");
            assert!(store.get(&id).unwrap().is_none());
            assert!(!data.path().join(&id).exists());
            let picture = draft.read(2, PictureKind::Original).unwrap().unwrap();
            assert_eq!(decode(&picture).0, (40, 30));
        }
        fs::remove_file(&trap).unwrap();
        // Other winners than at the first attempt, in another order.
        check_whole(&draft.commit(&manifest(&id, 0, &[3, 1])).unwrap());
    }
}

#[test]
fn a_save_that_failed_at_the_last_step_can_be_tried_again_with_other_winners() {
    let data = tempfile::tempdir().unwrap();
    let store = Store::open(data.path()).unwrap();
    let draft = store.draft("s-1").unwrap();
    put_all(&draft, &[1, 2, 3]);
    // Somebody else's directory stands where the gallery would go.
    let squatter = data.path().join("s-1");
    fs::create_dir(&squatter).unwrap();
    let error = draft.commit(&manifest("s-1", 0, &[1, 2, 3])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Exists);
    assert!(files_in(&squatter).is_empty());
    fs::remove_dir(&squatter).unwrap();
    let gallery = draft.commit(&manifest("s-1", 0, &[3, 2, 1])).unwrap();
    check_whole(&gallery);
    for (rank, key) in [(1, 3), (2, 2), (3, 1)] {
        let picture = gallery
            .picture(rank, PictureKind::Thumbnail)
            .unwrap()
            .unwrap();
        let plain = png(20, 20, key);
        assert_eq!(picture[..plain.len() - 12], plain[..plain.len() - 12]);
    }
}

#[test]
fn pictures_that_arrive_while_saving_never_land_in_the_gallery() {
    let data = tempfile::tempdir().unwrap();
    let store = Store::open(data.path()).unwrap();
    for round in 0..20 {
        let id = format!("s-{round}");
        let draft = store.draft(&id).unwrap();
        put_all(&draft, &[1, 2]);
        let gallery = std::thread::scope(|scope| {
            for key in 10..14 {
                let draft = &draft;
                scope.spawn(move || {
                    let picture = png(20, 20, key);
                    while draft.put(key, PictureKind::Thumbnail, &picture).is_ok() {}
                });
            }
            draft.commit(&manifest(&id, 0, &[1, 2])).unwrap()
        });
        check_whole(&gallery);
    }
}
