//! Sessions that never ran, and a reader that believes nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use bestshot_gallery::manifest::{Manifest, Options, Stats, Winner};
use bestshot_gallery::{Draft, Effort, Filter, Gallery, Picture, PictureKind, Store, encode};

/// A picture that no other seed has.
pub(crate) fn png(width: u32, height: u32, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let rgb = (0..width * height * 3)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[0]
        })
        .collect();
    encode(&Picture::new(width, height, rgb).unwrap(), Effort::Fast).unwrap()
}

pub(crate) fn winner(key: u64) -> Winner {
    let seconds = f64::from(u32::try_from(key).unwrap());
    let score = 1.0 / (seconds + 1.0);
    Winner {
        key,
        score,
        scores: BTreeMap::from([("brightness".to_owned(), score)]),
        index: key * 25,
        stream_time: seconds,
        captured_at: format!("2026-01-31T12:00:{:02}Z", key % 60),
        clock: "receive".to_owned(),
        keyframe: false,
        width: 40,
        height: 30,
    }
}

/// The manifest of session `id` that started `second` seconds into a day.
pub(crate) fn manifest(id: &str, second: u64, keys: &[u64]) -> Manifest {
    let started_at = format!(
        "2026-01-31T{:02}:{:02}:{:02}Z",
        second / 3600 % 24,
        second / 60 % 60,
        second % 60
    );
    Manifest {
        revision: None,
        version: Manifest::VERSION,
        id: id.to_owned(),
        source: "rtsp://camera.example/Einfahrt-門".to_owned(),
        state: "stopped".to_owned(),
        options: Options::default(),
        stream: None,
        stats: Stats::default(),
        ended_at: started_at.clone(),
        started_at,
        error: None,
        winners: Manifest::ranked(keys.iter().copied().map(winner)),
        curve: Vec::new(),
    }
}

/// Puts both pictures of each of `keys`: the seed of the thumbnail is the key,
/// that of the original 1000 more.
pub(crate) fn put_all(draft: &Draft, keys: &[u64]) {
    for &key in keys {
        draft
            .put(key, PictureKind::Thumbnail, &png(20, 20, key))
            .unwrap();
        draft
            .put(key, PictureKind::Original, &png(40, 30, key + 1000))
            .unwrap();
    }
}

pub(crate) fn save(store: &Store, id: &str, second: u64, keys: &[u64]) -> Gallery {
    let draft = store.draft(id).unwrap();
    put_all(&draft, keys);
    draft.commit(&manifest(id, second, keys)).unwrap()
}

/// All ids that the store lists, newest first, a few at a time.
pub(crate) fn listed(store: &Store) -> Vec<String> {
    let mut ids = Vec::new();
    let mut after = None;
    loop {
        let listing = store.list(&Filter::default(), after.as_ref(), 7).unwrap();
        ids.extend(listing.items.iter().map(|gallery| gallery.id().to_owned()));
        match listing.next {
            Some(next) => after = Some(next),
            None => return ids,
        }
    }
}

/// Decodes all of a PNG, checksums included, and returns its size and texts.
pub(crate) fn decode(bytes: &[u8]) -> ((u32, u32), BTreeMap<String, String>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes))
        .read_info()
        .unwrap();
    let mut rgb = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut rgb).unwrap();
    reader.finish().unwrap();
    let info = reader.info();
    let latin = info
        .uncompressed_latin1_text
        .iter()
        .map(|chunk| (chunk.keyword.clone(), chunk.text.clone()));
    let utf8 = info
        .utf8_text
        .iter()
        .map(|chunk| (chunk.keyword.clone(), chunk.get_text().unwrap()));
    (info.size(), latin.chain(utf8).collect())
}

/// Checks everything that makes a gallery whole: each file that the manifest and
/// the page name is there and decodes, and nothing else is there.
pub(crate) fn check_whole(gallery: &Gallery) {
    let directory = gallery.directory();
    let mut expected = vec![
        "index.html".to_owned(),
        "manifest.json".to_owned(),
        "originals".to_owned(),
        "thumbnails".to_owned(),
    ];
    let index = fs::read_to_string(directory.join("index.html")).unwrap();
    assert!(
        index.ends_with("</html>\n") || index.ends_with("</html>"),
        "{index}"
    );
    for winner in &gallery.manifest().winners {
        for (kind, path) in [
            (PictureKind::Thumbnail, &winner.thumbnail),
            (PictureKind::Original, &winner.original),
        ] {
            let Some(path) = path else { continue };
            let bytes = gallery.picture(winner.rank, kind).unwrap().unwrap();
            assert_eq!(bytes, fs::read(directory.join(path)).unwrap());
            let (_, texts) = decode(&bytes);
            assert_eq!(texts["bestshot:rank"], winner.rank.to_string());
            assert!(index.contains(&format!("=\"{path}\"")), "{path}");
            expected.push(path.clone());
        }
    }
    for attribute in index
        .split(['<', ' '])
        .filter(|part| part.starts_with("href=\"") || part.starts_with("src=\""))
    {
        let path = attribute.split('"').nth(1).unwrap();
        assert!(directory.join(path).is_file(), "{path}");
    }
    expected.sort();
    assert_eq!(files_in(directory), expected, "{}", gallery.id());
}

/// Relative paths of all that is in `directory`, sorted.
pub(crate) fn files_in(directory: &Path) -> Vec<String> {
    fn visit(directory: &Path, prefix: &str, found: &mut Vec<String>) {
        for entry in fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                visit(&entry.path(), &format!("{name}/"), found);
            }
            found.push(name);
        }
    }
    let mut found = Vec::new();
    visit(directory, "", &mut found);
    found.sort();
    found
}

/// Names in the data directory that are none of the store's own.
pub(crate) fn visible(data: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(data)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with("catalogue.sqlite") && name != ".lock")
        .collect();
    names.sort();
    names
}
