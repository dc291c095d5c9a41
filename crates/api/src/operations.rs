//! Which addresses there are, with which methods and parameters: read from the
//! document, so that both cannot differ. What an operation does is for `routes`.

use poem::{Request, http::Method};
use serde_json::Value;

use crate::problem::FieldError;

/// Operations whose answers people open in a browser: what is wrong they read as a page
/// too.
pub(crate) const SHOWN: &[&str] = &["stop", "stopPost", "getGallery"];

/// What addresses there are, read from the document.
pub(crate) struct Operations(Vec<Known>);

struct Known {
    method: Method,
    segments: Vec<String>,
    name: String,
    /// The parameters that its query may have; none where anything goes. What takes none
    /// and has no effect ignores them: pages add some to pictures, so that browsers ask
    /// again.
    queries: Option<Vec<String>>,
}

/// Addresses outside the document; all of them are read with GET.
const PAGES: &[(&str, &str)] = &[
    ("/", "page"),
    ("/docs", "docs"),
    ("/openapi.json", "document"),
    ("/metrics", "metrics"),
    ("/favicon.ico", "asset"),
    ("/docs/{file}", "asset"),
    ("/assets/{file}", "asset"),
];

impl Operations {
    pub(crate) fn new(document: &Value) -> Self {
        let documented = document["paths"].as_object().into_iter().flatten();
        let documented = documented.flat_map(|(path, item)| {
            let methods = item.as_object().into_iter().flatten();
            methods.filter_map(move |(method, operation)| {
                let queries = queries(operation);
                let counts = method != "get" || !queries.is_empty();
                Some(Known {
                    method: method.to_ascii_uppercase().parse().ok()?,
                    segments: segments(path),
                    name: operation["operationId"].as_str()?.to_owned(),
                    queries: counts.then_some(queries),
                })
            })
        });
        let pages = PAGES.iter().map(|(path, name)| Known {
            method: Method::GET,
            segments: segments(path),
            name: (*name).to_owned(),
            queries: None,
        });
        Self(documented.chain(pages).collect())
    }

    /// The operation that a request means, by its id. HEAD means what GET does.
    pub(crate) fn find(&self, method: &Method, path: &str) -> Option<&str> {
        self.known(method, path).map(|known| known.name.as_str())
    }

    /// What is wrong with the names in a query: a misspelt `session` of `/stop` would
    /// stop another one.
    pub(crate) fn unknown_queries(&self, request: &Request) -> Vec<FieldError> {
        let known = self.known(request.method(), request.uri().path());
        let (Some(queries), Ok(given)) = (
            known.and_then(|known| known.queries.as_ref()),
            request.params::<Vec<(String, String)>>(),
        ) else {
            return Vec::new();
        };
        let unknown = given.iter().filter(|(name, _)| !queries.contains(name));
        let takes = match queries.as_slice() {
            [] => "it takes none".to_owned(),
            names => format!("it takes {}", names.join(", ")),
        };
        unknown
            .map(|(name, _)| {
                let message = format!("This address has no such parameter; {takes}.");
                FieldError::new(name, message)
            })
            .collect()
    }

    fn known(&self, method: &Method, path: &str) -> Option<&Known> {
        let method = if *method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        self.at(path).find(|known| known.method == *method)
    }

    /// The name of a path's variable, of which the framework only tells which one it
    /// is: `param0` for the first. Other names are given back.
    pub(crate) fn variable<'a>(&'a self, path: &str, name: &'a str) -> &'a str {
        let place = name.strip_prefix("param").and_then(|n| n.parse().ok());
        let known = place.and_then(|place: usize| {
            let mut variables = self.at(path).next()?.segments.iter().filter_map(|segment| {
                let inside = segment.strip_prefix('{')?;
                inside.strip_suffix('}')
            });
            variables.nth(place)
        });
        known.unwrap_or(name)
    }

    /// Whether HEAD can be answered here: where GET can, and has no effect.
    pub(crate) fn may_head(&self, path: &str) -> bool {
        self.find(&Method::GET, path) != Some("stop")
    }

    /// The methods that this address takes, as `Allow` lists them.
    pub(crate) fn allowed(&self, path: &str) -> String {
        let mut methods: Vec<&str> = self.at(path).map(|known| known.method.as_str()).collect();
        if methods.contains(&"GET") && self.may_head(path) {
            methods.push("HEAD");
        }
        methods.join(", ")
    }

    fn at<'a>(&'a self, path: &str) -> impl Iterator<Item = &'a Known> + use<'a> {
        let asked = segments(path);
        self.0.iter().filter(move |known| {
            known.segments.len() == asked.len()
                && known
                    .segments
                    .iter()
                    .zip(&asked)
                    .all(|(k, a)| k.starts_with('{') || k == a)
        })
    }
}

fn queries(operation: &Value) -> Vec<String> {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    parameters
        .filter(|parameter| parameter["in"] == "query")
        .filter_map(|parameter| Some(parameter["name"].as_str()?.to_owned()))
        .collect()
}

fn segments(path: &str) -> Vec<String> {
    path.split('/').map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document;

    #[test]
    fn requests_find_their_operation() {
        let known = Operations::new(document::document());
        let find = |method: Method, path: &str| known.find(&method, path).map(str::to_owned);
        assert_eq!(find(Method::GET, "/stop").as_deref(), Some("stop"));
        assert_eq!(find(Method::HEAD, "/stop").as_deref(), Some("stop"));
        assert_eq!(
            find(Method::GET, "/v1/sessions/x/frames/1/original").as_deref(),
            Some("getOriginal")
        );
        let rank = known.variable("/v1/sessions/x/frames/y/original", "param1");
        assert_eq!(rank, "rank");
        assert_eq!(known.variable("/v1/sessions", "before"), "before");
        assert_eq!(find(Method::PUT, "/stop"), None);
        assert_eq!(find(Method::GET, "/nothing"), None);
        assert_eq!(known.allowed("/stop"), "GET, POST");
        assert_eq!(known.allowed("/v1/sessions/x"), "GET, DELETE, HEAD");
        assert_eq!(known.allowed("/"), "GET, HEAD");
        assert!(!known.may_head("/stop"));
        assert!(known.may_head("/v1/health"));
    }

    #[test]
    fn a_misspelt_parameter_is_told_with_those_there_are() {
        let known = Operations::new(document::document());
        let faults = |method: Method, target: &'static str| -> Vec<String> {
            let request = Request::builder().method(method).uri_str(target).finish();
            let faults = known.unknown_queries(&request);
            faults
                .iter()
                .map(|fault| format!("{}: {}", fault.field, fault.message))
                .collect()
        };
        assert_eq!(
            faults(Method::GET, "/stop?sesion=a"),
            ["sesion: This address has no such parameter; it takes session."]
        );
        assert_eq!(
            faults(Method::POST, "/v1/sessions/a/stop?now"),
            ["now: This address has no such parameter; it takes none."]
        );
        for fine in [
            "/stop",
            "/stop?session=a",
            "/v1/sessions?limit=1&camera=%20&day=",
            "/v1/sessions/a/frames/1/thumbnail?frame=2",
            "/?anything=1",
            "/nothing?a=b",
        ] {
            assert_eq!(faults(Method::GET, fine), [""; 0], "{fine}");
        }
    }
}
