//! From a request to an answer: the guard, the limits on the body and on time,
//! the routes, and then what every answer must have: problems instead of bare
//! errors, security headers, a count in the metrics.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use poem::{
    Body, Endpoint, IntoResponse, Request, Response,
    endpoint::BoxEndpoint,
    error::{MethodNotAllowedError, NotFoundError},
    http::{HeaderValue, Method, StatusCode, header},
};
use poem_openapi::error::{ParseParamError, ParsePathError};
use tokio::{io::AsyncReadExt, time::timeout};

use crate::{
    accept::asks_for_html,
    assets, document,
    guard::{Effect, Guard},
    metrics::Metrics,
    operations::{Operations, SHOWN},
    pages,
    problem::{FieldError, PROBLEM_JSON, Problem},
    state::Sessions,
};

/// The largest body that any operation takes.
const MAX_BODY: u64 = 64 * 1024;
/// How much of a larger one is read and thrown away, so that the client comes to
/// read why it was refused.
const MAX_DISCARD: u64 = 4 * 1024 * 1024;
/// For the whole body.
const BODY_TIME: Duration = Duration::from_secs(10);
/// For everything after the body: longer than any `wait` or stop.
const ANSWER_TIME: Duration = Duration::from_secs(90);

/// The HTTP service.
pub(crate) struct Service {
    api: BoxEndpoint<'static, Response>,
    operations: Operations,
    guard: Guard,
    sessions: Arc<Sessions>,
    metrics: Arc<Metrics>,
}

impl Service {
    pub(crate) fn new(sessions: Arc<Sessions>, guard: Guard) -> Self {
        Self {
            api: document::endpoint(),
            operations: Operations::new(document::document()),
            guard,
            sessions,
            metrics: Arc::new(Metrics::new()),
        }
    }

    /// Answers a request, whatever it is.
    pub(crate) async fn handle(&self, request: Request) -> Response {
        let begun = Instant::now();
        let method = request.method().clone();
        let path = request.uri().path().to_owned();
        let operation = self.operations.find(&method, &path);
        let shown = is_shown(operation) && asks_for_html(request.headers());
        let answered = self.answer(request, operation).await;
        let mut response = answered.unwrap_or_else(IntoResponse::into_response);
        if shown && is_problem(&response) {
            response = problem_page(response).await;
        }
        secure(&mut response, content_policy(operation));
        let (name, status) = (operation.unwrap_or("other"), response.status().as_u16());
        self.metrics.count(name, status);
        // Never the address itself: a query may hold what its sender mistook
        // for a field.
        tracing::debug!(operation = name, %method, status, ms = begun.elapsed().as_millis());
        response
    }

    async fn answer(
        &self,
        mut request: Request,
        operation: Option<&str>,
    ) -> Result<Response, Problem> {
        let path = request.uri().path().to_owned();
        let effect = effect(request.method(), operation);
        let open = operation == Some("getHealth");
        self.guard
            .admit(request.uri(), request.headers(), effect, open)?;
        if *request.method() == Method::HEAD && !self.operations.may_head(&path) {
            // poem would answer it like GET, and GET /stop has an effect.
            return Err(self.not_allowed(&path));
        }
        if let Some(page) = self.page(&request) {
            return page;
        }
        let body = read_body(
            request.take_body(),
            request.headers().get(header::CONTENT_LENGTH),
        );
        request.set_body(body.await?);
        let unknown = self.operations.unknown_queries(&request);
        if !unknown.is_empty() {
            return Err(Problem::of_fields(StatusCode::BAD_REQUEST, unknown));
        }
        request.extensions_mut().insert(Arc::clone(&self.sessions));
        match timeout(ANSWER_TIME, self.api.call(request)).await {
            Ok(answer) => answer.or_else(|error| self.explain(error, &path)),
            Err(_) => Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE)
                .detail("The answer took too long; the service may be overloaded.")),
        }
    }

    /// What is served beside the documented operations.
    fn page(&self, request: &Request) -> Option<Result<Response, Problem>> {
        let path = request.uri().path();
        let get = matches!(*request.method(), Method::GET | Method::HEAD);
        let response = match path {
            "/metrics" => self.metrics.page(&self.sessions),
            _ => assets::find(path, request.headers())?,
        };
        Some(if get {
            Ok(response)
        } else {
            Err(self.not_allowed(path))
        })
    }

    fn not_allowed(&self, path: &str) -> Problem {
        let allow = self.operations.allowed(path);
        let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED)
            .detail(format!("This address takes {allow} only."));
        match HeaderValue::from_str(&allow) {
            Ok(allow) => problem.header(header::ALLOW, allow),
            Err(_) => problem,
        }
    }

    /// A framework's error as a problem; answers that handlers made pass.
    fn explain(&self, error: poem::Error, path: &str) -> Result<Response, Problem> {
        if error.is_from_response() {
            return Ok(error.into_response());
        }
        let status = error.status();
        let field = error
            .downcast_ref::<ParseParamError>()
            .map(|e| e.name)
            .or_else(|| error.downcast_ref::<ParsePathError>().map(|e| e.name));
        Err(if error.is::<NotFoundError>() {
            Problem::not_found("There is nothing at this address.")
        } else if error.is::<MethodNotAllowedError>() {
            self.not_allowed(path)
        } else if let Some(name) = field {
            let name = self.operations.variable(path, name);
            let message = "This value cannot be used here; the document says what can.";
            Problem::new(status)
                .detail(format!("The parameter {name} cannot be used."))
                .errors(vec![FieldError::new(name, message)])
        } else if status.is_server_error() {
            Problem::internal(&error)
        } else {
            Problem::new(status)
        })
    }
}

/// Whether people open what this answers in a browser: pages, and addresses that are
/// none.
fn is_shown(operation: Option<&str>) -> bool {
    operation.is_none_or(|id| ["page", "docs"].contains(&id) || SHOWN.contains(&id))
}

fn is_problem(response: &Response) -> bool {
    response.content_type() == Some(PROBLEM_JSON)
}

/// The same for a person to read.
async fn problem_page(mut response: Response) -> Response {
    let body = response.take_body().into_vec().await.unwrap_or_default();
    let problem: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let text = |name: &str| problem[name].as_str().unwrap_or_default();
    let Ok(page) = pages::notice(text("title"), text("detail")) else {
        response.set_body(body);
        return response;
    };
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    response.set_body(page);
    response
}

/// `GET /stop` is the one reading method with an effect.
fn effect(method: &Method, operation: Option<&str>) -> Effect {
    match *method {
        Method::GET | Method::HEAD | Method::OPTIONS if operation != Some("stop") => Effect::Reads,
        _ => Effect::Changes,
    }
}

/// The whole body, within [`MAX_BODY`] and [`BODY_TIME`], whether or not its
/// length was announced.
async fn read_body(body: Body, announced: Option<&HeaderValue>) -> Result<Vec<u8>, Problem> {
    let announced = announced.and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    let mut reader = body.into_async_read();
    let reading = async {
        let mut bytes = Vec::new();
        if announced.is_none_or(|length| length <= MAX_BODY) {
            (&mut reader)
                .take(MAX_BODY + 1)
                .read_to_end(&mut bytes)
                .await?;
            if bytes.len() as u64 <= MAX_BODY {
                return Ok::<_, std::io::Error>(Some(bytes));
            }
        }
        let mut rest = (&mut reader).take(MAX_DISCARD);
        tokio::io::copy(&mut rest, &mut tokio::io::sink()).await?;
        Ok(None)
    };
    match timeout(BODY_TIME, reading).await {
        Ok(Ok(Some(bytes))) => Ok(bytes),
        Ok(Ok(None)) => Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE)
            .detail("The body is larger than 64 KiB, which no request needs.")),
        Ok(Err(_)) => {
            Err(Problem::new(StatusCode::BAD_REQUEST).detail("The body broke off half-way."))
        }
        Err(_) => Err(Problem::new(StatusCode::REQUEST_TIMEOUT)
            .detail("The body did not arrive within ten seconds.")),
    }
}

/// What a page may do, where it does not say so itself. A picture opened by itself
/// runs nothing, but a browser's viewer styles it, so nothing is said of styles; an answer
/// 304 must say the same, since it renews the first one's headers.
fn content_policy(operation: Option<&str>) -> &'static str {
    match operation {
        Some("getThumbnail" | "getOriginal") => {
            "script-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'"
        }
        _ => {
            "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; \
             form-action 'self'; frame-ancestors 'none'"
        }
    }
}

/// Headers that every answer has.
fn secure(response: &mut Response, policy: &'static str) {
    let headers = response.headers_mut();
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(policy));
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(
        "cross-origin-resource-policy",
        HeaderValue::from_static("same-origin"),
    );
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
}
