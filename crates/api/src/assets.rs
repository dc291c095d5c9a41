//! Files that the binary carries: the page at `/`, its style and script, the
//! document, and Swagger UI at `/docs`. Everything the browser asks for comes
//! from here, so that it works without any other network.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    io::{Cursor, Read},
    sync::LazyLock,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use poem::{
    Body, Response,
    http::{HeaderMap, StatusCode, header},
};
use sha2::{Digest, Sha256};
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;
use zip::ZipArchive;

use crate::document;

/// The style sheets of the page at "/", in their order. The page carries them inside:
/// nothing else has to be asked for before it can be painted.
const SHEETS: [(&str, &str); 3] = [
    ("/assets/bestshot.css", include_str!("../web/bestshot.css")),
    ("/assets/page.css", include_str!("../web/page.css")),
    ("/assets/cards.css", include_str!("../web/cards.css")),
];

/// What the page at "/" allows itself: its own files, and the style inside it, known
/// by its sum.
static PAGE_POLICY: LazyLock<String> = LazyLock::new(|| {
    let sum = STANDARD.encode(Sha256::digest(style()));
    format!(
        "default-src 'self'; style-src 'self' 'sha256-{sum}'; img-src 'self' data:; \
         object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
});

/// Where the modules of the page are: in a folder that is named by what they say, so
/// that a browser that has them need not ask again. They name each other without it.
static MODULES: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = DefaultHasher::new();
    for asset in own().iter().filter(|asset| asset.content_type == SCRIPT) {
        asset.etag.hash(&mut hasher);
    }
    format!("/assets/{:016x}/", hasher.finish())
});

struct Asset {
    path: &'static str,
    content_type: &'static str,
    bytes: Bytes,
    etag: String,
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// The file at `path`, or 304 where the client has it already.
pub(crate) fn find(path: &str, headers: &HeaderMap) -> Option<Response> {
    if path == "/" {
        return Some(answer(&INDEX, headers, "no-cache", Some(&PAGE_POLICY)));
    }
    if let Some(name) = path.strip_prefix(MODULES.as_str()) {
        let whole = format!("/assets/{name}");
        let module = own().iter().find(|asset| asset.path == whole)?;
        return Some(answer(module, headers, "max-age=31536000, immutable", None));
    }
    let own = own().iter().find(|asset| asset.path == path);
    let asset = own.or_else(|| swagger_ui(path))?;
    Some(answer(asset, headers, "no-cache", None))
}

fn answer(asset: &Asset, headers: &HeaderMap, keep: &str, policy: Option<&str>) -> Response {
    let known = headers.get_all(header::IF_NONE_MATCH).iter();
    let known = known
        .filter_map(|v| v.to_str().ok())
        .any(|v| v.contains(&asset.etag));
    let response = Response::builder()
        .header(header::ETAG, &asset.etag)
        .header(header::CACHE_CONTROL, keep);
    let response = match policy {
        Some(policy) => response.header(header::CONTENT_SECURITY_POLICY, policy),
        None => response,
    };
    if known {
        response.status(StatusCode::NOT_MODIFIED).finish()
    } else {
        response
            .header(header::CONTENT_TYPE, asset.content_type)
            .body(Body::from_bytes(asset.bytes.clone()))
    }
}

fn style() -> String {
    SHEETS.map(|(_, text)| text).concat()
}

/// The picture beside the name of the page at "/", which carries it inside as well.
const MARK: &str = r#"<img src="/assets/icon.svg" width="28" height="28" alt="">"#;

/// The page at "/", with its style sheets inside in place of the links to them.
static INDEX: LazyLock<Asset> = LazyLock::new(|| asset("/", HTML, index()));

fn index() -> Bytes {
    let link = |path| format!("<link rel=\"stylesheet\" href=\"{path}\">\n");
    let links: String = SHEETS.iter().map(|(path, _)| link(path)).collect();
    let inside = format!("<style>{}</style>\n", style());
    let drawn = "<svg width=\"28\" height=\"28\" aria-hidden=\"true\" ";
    let mark = include_str!("../web/icon.svg").replacen("<svg ", drawn, 1);
    let page = include_str!("../web/index.html")
        .replace(&links, &inside)
        .replace(MARK, mark.trim_end());
    let (icon, modules) = ("/assets/icon.svg", MODULES.as_str());
    // All but the icon: other pages name that, too.
    let page = page.replace("/assets/", modules);
    Bytes::from(page.replace(&format!("{modules}icon.svg"), icon))
}

fn asset(path: &'static str, content_type: &'static str, bytes: Bytes) -> Asset {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    let etag = format!("\"{:016x}\"", hasher.finish());
    Asset {
        path,
        content_type,
        bytes,
        etag,
    }
}

fn own() -> &'static [Asset] {
    static OWN: LazyLock<Vec<Asset>> = LazyLock::new(|| {
        let file = |path, content_type, text: &'static str| {
            asset(path, content_type, Bytes::from_static(text.as_bytes()))
        };
        vec![
            file(
                "/assets/bestshot.css",
                CSS,
                include_str!("../web/bestshot.css"),
            ),
            file("/assets/gallery.css", CSS, bestshot_gallery::CSS),
            file("/assets/gallery.js", SCRIPT, bestshot_gallery::SCRIPT),
            file("/assets/ask.js", SCRIPT, include_str!("../web/ask.js")),
            file("/assets/best.js", SCRIPT, include_str!("../web/best.js")),
            file("/assets/card.js", SCRIPT, include_str!("../web/card.js")),
            file("/assets/feed.js", SCRIPT, include_str!("../web/feed.js")),
            file("/assets/first.js", SCRIPT, include_str!("../web/first.js")),
            file(
                "/assets/history.js",
                SCRIPT,
                include_str!("../web/history.js"),
            ),
            file("/assets/live.js", SCRIPT, include_str!("../web/live.js")),
            file("/assets/page.js", SCRIPT, include_str!("../web/page.js")),
            file("/assets/shots.js", SCRIPT, include_str!("../web/shots.js")),
            file("/assets/spark.js", SCRIPT, include_str!("../web/spark.js")),
            file("/assets/start.js", SCRIPT, include_str!("../web/start.js")),
            file("/assets/words.js", SCRIPT, include_str!("../web/words.js")),
            file("/assets/icon.svg", SVG, include_str!("../web/icon.svg")),
            // Browsers ask for it beside pages that name no icon, and pictures.
            file("/favicon.ico", SVG, include_str!("../web/icon.svg")),
            file("/docs", HTML, include_str!("../web/docs.html")),
            file("/docs/docs.js", SCRIPT, include_str!("../web/docs.js")),
            file("/openapi.json", "application/json", document::text()),
        ]
    });
    &OWN
}

/// Swagger UI's own files, unpacked when the first of them is asked for.
fn swagger_ui(path: &str) -> Option<&'static Asset> {
    static UNPACKED: LazyLock<Vec<Asset>> = LazyLock::new(|| {
        let files = [
            ("/docs/swagger-ui.css", CSS),
            ("/docs/swagger-ui-bundle.js", SCRIPT),
        ];
        files
            .into_iter()
            .filter_map(|(path, content_type)| {
                let name = path.strip_prefix("/docs")?;
                Some(asset(
                    path,
                    content_type,
                    unpack(&format!("/dist{name}"))?.into(),
                ))
            })
            .collect()
    });
    if !path.starts_with("/docs/") {
        return None;
    }
    UNPACKED.iter().find(|asset| asset.path == path)
}

/// The file whose name in Swagger UI's release archive ends so.
fn unpack(ending: &str) -> Option<Vec<u8>> {
    let mut archive = ZipArchive::new(Cursor::new(SWAGGER_UI_VENDORED)).ok()?;
    let wanted = |name: &str| name.ends_with(ending) && name.matches('/').count() == 2;
    let name = archive
        .file_names()
        .flatten()
        .find(|name| wanted(name))?
        .into_owned();
    let mut bytes = Vec::new();
    archive.by_name(&name).ok()?.read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_that_a_page_names_is_there() {
        let index = index();
        for (page, markup) in [
            ("index", std::str::from_utf8(&index).unwrap()),
            ("docs", include_str!("../web/docs.html")),
            ("notice", include_str!("../templates/notice.html")),
        ] {
            let names = markup
                .split(['"', '\''])
                .filter(|part| part.starts_with("/assets/") || part.starts_with("/docs/"));
            for name in names {
                let found = find(name, &HeaderMap::new());
                assert!(
                    found.is_some_and(|r| r.status().is_success()),
                    "{page}: {name}"
                );
            }
            for address in ["src=\"http", "href=\"http", "src=\"//", "href=\"//"] {
                assert!(
                    !markup.contains(address),
                    "{page} asks another server for something"
                );
            }
        }
    }

    #[test]
    fn every_module_that_a_module_imports_is_there() {
        for asset in own().iter().filter(|asset| asset.content_type == SCRIPT) {
            let text = std::str::from_utf8(&asset.bytes).unwrap();
            for name in text
                .split(" from \"./")
                .skip(1)
                .filter_map(|rest| rest.split('"').next())
            {
                let found = own()
                    .iter()
                    .any(|other| other.path == format!("/assets/{name}"));
                assert!(found, "{} imports {name}", asset.path);
            }
        }
    }

    #[test]
    fn the_page_weighs_at_most_100_kilobytes_without_images() {
        let parts = own()
            .iter()
            .filter(|asset| asset.path.starts_with("/assets/"));
        let weight: usize = parts.map(|asset| asset.bytes.len()).sum();
        let weight = weight + INDEX.bytes.len();
        assert!(weight <= 100_000, "{weight} bytes");
    }

    #[test]
    fn pages_hold_no_inline_script_or_style() {
        for markup in [
            include_str!("../web/index.html"),
            include_str!("../web/docs.html"),
            include_str!("../templates/notice.html"),
        ] {
            assert!(!markup.contains("<style") && !markup.contains(" style="));
            assert!(!markup.contains("javascript:") && !markup.contains(" onclick"));
            for script in markup.split("<script").skip(1) {
                assert!(
                    script
                        .split('>')
                        .next()
                        .is_some_and(|tag| tag.contains("src="))
                );
            }
        }
    }

    #[test]
    fn the_page_carries_its_style_and_its_policy_allows_that_one_alone() {
        let found = find("/", &HeaderMap::new()).unwrap();
        let policy = &found.headers()[header::CONTENT_SECURITY_POLICY];
        let policy = policy.to_str().unwrap();
        assert!(!policy.contains("unsafe"), "{policy}");
        let page = index();
        let page = std::str::from_utf8(&page).unwrap();
        assert!(!page.contains("stylesheet") && !page.contains("<img"));
        let (_, rest) = page.split_once("<style>").unwrap();
        let (style, rest) = rest.split_once("</style>").unwrap();
        assert!(!rest.contains("<style"));
        let sum = STANDARD.encode(Sha256::digest(style));
        assert!(policy.contains(&format!("'sha256-{sum}'")), "{policy}");
    }

    #[test]
    fn modules_stay_in_the_browser_and_the_page_names_those_that_there_are() {
        let page = index();
        let page = std::str::from_utf8(&page).unwrap();
        let script = format!("src=\"{}first.js\"", *MODULES);
        assert!(page.contains(&script), "{script}");
        // What comes after the first paint comes at once, not module after module.
        let (_, rest) = page.split_once("<template id=\"rest\">").unwrap();
        let (rest, _) = rest.split_once("</template>").unwrap();
        for asset in own().iter().filter(|asset| asset.content_type == SCRIPT) {
            let Some(name) = asset.path.strip_prefix("/assets/") else {
                continue;
            };
            let ours = !["first.js", "gallery.js"].contains(&name);
            let named = rest.contains(&format!("modulepreload\" href=\"{}{name}\"", *MODULES));
            assert_eq!(named, ours, "{name}");
        }
        let found = find(&format!("{}page.js", *MODULES), &HeaderMap::new()).unwrap();
        let kept = found.headers()[header::CACHE_CONTROL].to_str().unwrap();
        assert!(kept.contains("immutable"), "{kept}");
        assert!(find("/assets/0123456789abcdef/page.js", &HeaderMap::new()).is_none());
        for asset in own().iter().filter(|asset| asset.content_type == SCRIPT) {
            let text = std::str::from_utf8(&asset.bytes).unwrap();
            assert!(!text.contains("from \"/assets/"), "{}", asset.path);
        }
    }

    #[test]
    fn a_client_that_has_the_file_gets_304() {
        let first = find("/assets/bestshot.css", &HeaderMap::new()).unwrap();
        let etag = first.headers()[header::ETAG].clone();
        let again = HeaderMap::from_iter([(header::IF_NONE_MATCH, etag)]);
        assert_eq!(find("/assets/bestshot.css", &again).unwrap().status(), 304);
        assert!(find("/assets/../Cargo.toml", &again).is_none());
    }

    #[test]
    fn swagger_ui_is_whole() {
        for (path, least) in [
            ("/docs/swagger-ui.css", 100_000),
            ("/docs/swagger-ui-bundle.js", 1_000_000),
        ] {
            assert!(swagger_ui(path).unwrap().bytes.len() > least, "{path}");
        }
    }
}
