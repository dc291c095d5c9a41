//! The index over galleries: SQL and nothing else. It holds what a list needs
//! to be sorted and paged; everything else is read from the galleries, and all
//! of it can be made anew from them, so nothing here is worth repairing.

use std::collections::HashSet;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};

use crate::filter::Filter;

/// Counts up when the tables change; another number means: make it anew.
const LAYOUT: i64 = 2;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS galleries (
        id         TEXT PRIMARY KEY,
        started_at INTEGER NOT NULL, -- microseconds since 1970
        source     TEXT NOT NULL -- in lower case
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS newest_first ON galleries (started_at DESC, id DESC);
";

/// A gallery's place among the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Microseconds since 1970.
    pub(crate) started_at: i64,
    pub(crate) id: String,
}

/// A gallery, and what it is looked for by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) entry: Entry,
    pub(crate) source: String,
}

pub(crate) struct Catalogue {
    connection: Connection,
}

impl Catalogue {
    /// Opens or creates the file at `path`. Fails where it is damaged or of
    /// another layout.
    pub(crate) fn open(path: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // A row lost to a power cut is found again by its directory.
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        let sound: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        let layout: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if sound != "ok" || ![0, LAYOUT].contains(&layout) {
            return Err(rusqlite::Error::InvalidQuery);
        }
        Self::with_tables(connection)
    }

    /// A catalogue that lives as long as the process, for when the disk refuses
    /// one.
    pub(crate) fn in_memory() -> rusqlite::Result<Self> {
        Self::with_tables(Connection::open_in_memory()?)
    }

    fn with_tables(connection: Connection) -> rusqlite::Result<Self> {
        connection.execute_batch(SCHEMA)?;
        connection.pragma_update(None, "user_version", LAYOUT)?;
        Ok(Self { connection })
    }

    pub(crate) fn insert(&mut self, row: &Row) -> rusqlite::Result<()> {
        self.change(std::slice::from_ref(row), &[])
    }

    pub(crate) fn remove(&mut self, id: &str) -> rusqlite::Result<()> {
        self.change(&[], &[id])
    }

    /// Adds and removes in one transaction.
    pub(crate) fn change(&mut self, add: &[Row], remove: &[&str]) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        {
            let mut insert = transaction.prepare_cached(
                "INSERT OR REPLACE INTO galleries (id, started_at, source) VALUES (?1, ?2, ?3)",
            )?;
            for Row { entry, source } in add {
                let source = source.to_lowercase();
                insert.execute(params![entry.id, entry.started_at, source])?;
            }
            let mut delete = transaction.prepare_cached("DELETE FROM galleries WHERE id = ?1")?;
            for id in remove {
                delete.execute(params![id])?;
            }
        }
        transaction.commit()
    }

    pub(crate) fn contains(&self, id: &str) -> rusqlite::Result<bool> {
        let found = self
            .connection
            .prepare_cached("SELECT 1 FROM galleries WHERE id = ?1")?
            .query_row(params![id], |_| Ok(()))
            .optional()?;
        Ok(found.is_some())
    }

    pub(crate) fn ids(&self) -> rusqlite::Result<HashSet<String>> {
        self.connection
            .prepare_cached("SELECT id FROM galleries")?
            .query_map([], |row| row.get(0))?
            .collect()
    }

    /// At most `limit` galleries that fit and stand after `before`, newest first; those
    /// that started together go by their ids, greatest first.
    pub(crate) fn page(
        &self,
        filter: &Filter,
        before: Option<&Entry>,
        limit: usize,
    ) -> rusqlite::Result<Vec<Entry>> {
        // Above any time and any id, so that one statement serves both cases.
        let (started_at, id) = before.map_or((i64::MAX, "~"), |entry| {
            (entry.started_at, entry.id.as_str())
        });
        self.connection
            .prepare_cached(
                "SELECT started_at, id FROM galleries
                 WHERE (started_at, id) < (?1, ?2)
                   AND started_at >= ?4 AND started_at < ?5 AND instr(source, ?6) > 0
                 ORDER BY started_at DESC, id DESC LIMIT ?3",
            )?
            .query_map(
                params![
                    started_at,
                    id,
                    i64::try_from(limit).unwrap_or(i64::MAX),
                    filter.times.start,
                    filter.times.end,
                    filter.source
                ],
                |row| {
                    Ok(Entry {
                        started_at: row.get(0)?,
                        id: row.get(1)?,
                    })
                },
            )?
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(started_at: i64, id: &str) -> Entry {
        Entry {
            started_at,
            id: id.to_owned(),
        }
    }

    fn row(started_at: i64, id: &str, source: &str) -> Row {
        Row {
            entry: entry(started_at, id),
            source: source.to_owned(),
        }
    }

    #[test]
    fn pages_follow_each_other_newest_first() {
        let mut catalogue = Catalogue::in_memory().unwrap();
        let rows = [(-5, "d"), (7, "a"), (7, "b"), (3, "c")].map(|(at, id)| row(at, id, "x"));
        catalogue.change(&rows, &[]).unwrap();
        let all = Filter::default();
        let first = catalogue.page(&all, None, 2).unwrap();
        assert_eq!(first, [entry(7, "b"), entry(7, "a")]);
        let second = catalogue.page(&all, first.last(), 2).unwrap();
        assert_eq!(second, [entry(3, "c"), entry(-5, "d")]);
        assert!(catalogue.page(&all, second.last(), 2).unwrap().is_empty());
    }

    #[test]
    fn only_what_fits_is_listed() {
        let mut catalogue = Catalogue::in_memory().unwrap();
        let rows = [
            row(1, "a", "rtsp://Gate/Cam"),
            row(2, "b", "rtsp://yard/cam"),
            row(3, "c", "rtsp://gate/50%_off"),
        ];
        catalogue.change(&rows, &[]).unwrap();
        let listed = |filter: Filter| {
            let page = catalogue.page(&filter, None, 9).unwrap();
            page.into_iter().map(|entry| entry.id).collect::<Vec<_>>()
        };
        assert_eq!(listed(Filter::default().source("GATE")), ["c", "a"]);
        assert_eq!(
            listed(Filter::default().source("50%_")),
            ["c"],
            "no pattern"
        );
        assert_eq!(listed(Filter::default().source("%")), ["c"]);
        assert!(listed(Filter::default().source("street")).is_empty());
        let times = |times| Filter {
            times,
            ..Filter::default()
        };
        assert_eq!(listed(times(2..3)), ["b"]);
        assert_eq!(listed(times(1..3).source("gate")), ["a"]);
    }

    #[test]
    fn what_is_removed_is_not_found() {
        let mut catalogue = Catalogue::in_memory().unwrap();
        catalogue.insert(&row(1, "a", "x")).unwrap();
        assert!(catalogue.contains("a").unwrap());
        catalogue.remove("a").unwrap();
        assert!(!catalogue.contains("a").unwrap());
        assert!(catalogue.ids().unwrap().is_empty());
    }

    #[test]
    fn another_layout_is_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalogue.sqlite");
        let catalogue = Catalogue::open(&path).unwrap();
        catalogue
            .connection
            .pragma_update(None, "user_version", LAYOUT + 1)
            .unwrap();
        drop(catalogue);
        assert!(Catalogue::open(&path).is_err());
    }
}
