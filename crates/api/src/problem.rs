//! The one shape of every error answer, `application/problem+json` (RFC 9457),
//! and the one place where a session's kind of failure becomes an HTTP status.
//! Messages are written where the fault is found, not here.

use std::borrow::Cow;

use poem::{
    IntoResponse, Response,
    http::{HeaderName, HeaderValue, StatusCode, header},
};
use poem_openapi::{
    ApiResponse, Object,
    payload::Payload,
    registry::{MetaMediaType, MetaResponse, MetaResponses, MetaSchemaRef, Registry},
    types::{ToJSON, Type},
};

/// The media type of [`Problem`].
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// One field of a request that cannot be used, and why.
#[derive(Clone, Debug, PartialEq, Eq, Object)]
pub(crate) struct FieldError {
    /// The field's name, as in the request.
    pub(crate) field: String,
    /// What is wrong with it and what would be right.
    pub(crate) message: String,
}

impl FieldError {
    pub(crate) fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
        }
    }
}

/// Why a request was not carried out, and the headers that go with it.
#[derive(Clone, Debug)]
pub(crate) struct Problem(Box<(Body, Vec<(HeaderName, HeaderValue)>)>);

/// Why a request was not carried out (RFC 9457).
#[derive(Clone, Debug, Object)]
#[oai(rename = "Problem", skip_serializing_if_is_none)]
struct Body {
    /// `about:blank`: the status tells what sort of problem it is.
    #[oai(rename = "type")]
    type_uri: String,
    /// The status in words.
    title: String,
    /// The HTTP status of this answer.
    #[oai(validator(
        minimum(value = "400", exclusive = "false"),
        maximum(value = "599", exclusive = "false")
    ))]
    status: u16,
    /// What happened, for a person.
    detail: Option<String>,
    /// What happened, in one word for programs; the kinds of a session's `error`.
    kind: Option<String>,
    /// The fields at fault, all of them.
    errors: Option<Vec<FieldError>>,
}

impl Problem {
    /// A problem of this status without further words.
    pub(crate) fn new(status: StatusCode) -> Self {
        let body = Body {
            type_uri: "about:blank".to_owned(),
            title: title(status).into_owned(),
            status: status.as_u16(),
            detail: None,
            kind: None,
            errors: None,
        };
        Self(Box::new((body, Vec::new())))
    }

    #[must_use]
    pub(crate) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.0.detail = Some(detail.into());
        self
    }

    #[must_use]
    pub(crate) fn kind(mut self, kind: impl Into<String>) -> Self {
        self.0.0.kind = Some(kind.into());
        self
    }

    #[must_use]
    pub(crate) fn errors(mut self, errors: Vec<FieldError>) -> Self {
        self.0.0.errors = Some(errors);
        self
    }

    /// What is wrong with each of these fields.
    pub(crate) fn of_fields(status: StatusCode, errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [one] => format!("{}: {}", one.field, one.message),
            many => {
                let names: Vec<&str> = many.iter().map(|e| e.field.as_str()).collect();
                format!("These fields cannot be used: {}.", names.join(", "))
            }
        };
        Self::new(status).detail(detail).errors(errors)
    }

    /// Adds a header to the answer.
    #[must_use]
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.1.push((name, value));
        self
    }

    /// 404 with the words of `detail`.
    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND).detail(detail)
    }

    /// 500. What went wrong inside goes to the log, never to the client.
    pub(crate) fn internal(inside: &dyn std::fmt::Display) -> Self {
        tracing::error!("a request failed inside: {inside}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR)
            .detail("Something went wrong inside bestshot; its log says what.")
            .kind("internal")
    }

    /// The answer to a caller who waited for a session that failed.
    pub(crate) fn of_failure(kind: &str, message: &str) -> Self {
        Self::new(status_of_failure(kind))
            .detail(message)
            .kind(kind)
    }

    /// The body as data.
    pub(crate) fn to_value(&self) -> Option<serde_json::Value> {
        self.0.0.to_json()
    }

    /// The status as a number that is certainly one.
    pub(crate) fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// The status that tells a waiting caller how a session failed: 504 where the
/// camera was given time and said too little, 500 for our own faults, else 502.
fn status_of_failure(kind: &str) -> StatusCode {
    match kind {
        "timeout" | "stalled" | "no_keyframe" => StatusCode::GATEWAY_TIMEOUT,
        "internal" => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_GATEWAY,
    }
}

/// The status in words; RFC 9457 asks for the same title at every occurrence.
fn title(status: StatusCode) -> Cow<'static, str> {
    match status.canonical_reason() {
        Some(reason) => Cow::Borrowed(reason),
        None => Cow::Owned(format!("Status {}", status.as_u16())),
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status_code();
        let (body, headers) = *self.0;
        let mut response = Response::builder()
            .status(status)
            .header(header::CONTENT_TYPE, PROBLEM_JSON)
            .header(header::CACHE_CONTROL, "no-store")
            .body(body.to_json_string());
        for (name, value) in headers {
            response.headers_mut().append(name, value);
        }
        response
    }
}

impl From<Problem> for poem::Error {
    fn from(problem: Problem) -> Self {
        poem::Error::from_response(problem.into_response())
    }
}

impl Payload for Problem {
    const CONTENT_TYPE: &'static str = PROBLEM_JSON;

    fn schema_ref() -> MetaSchemaRef {
        <Body as Type>::schema_ref()
    }
}

/// In the generated document every operation answers problems under `default`;
/// `document` replaces that by the statuses that the operation really has.
impl ApiResponse for Problem {
    fn meta() -> MetaResponses {
        MetaResponses {
            responses: vec![MetaResponse {
                description: "A problem",
                status: None,
                status_range: None,
                content: vec![MetaMediaType {
                    content_type: PROBLEM_JSON,
                    schema: <Body as Type>::schema_ref(),
                }],
                headers: vec![],
            }],
        }
    }

    fn register(registry: &mut Registry) {
        <Body as Type>::register(registry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_writes_only_what_it_knows() {
        let body = Problem::not_found("No such session.").0.0.to_json_string();
        assert_eq!(
            body,
            r#"{"type":"about:blank","title":"Not Found","status":404,"detail":"No such session."}"#
        );
    }

    #[test]
    fn a_silent_camera_is_a_gateway_timeout_and_a_refusing_one_a_bad_gateway() {
        assert_eq!(Problem::of_failure("timeout", "").status_code(), 504);
        assert_eq!(Problem::of_failure("stalled", "").status_code(), 504);
        assert_eq!(Problem::of_failure("unauthorized", "").status_code(), 502);
        assert_eq!(Problem::of_failure("no_video", "").status_code(), 502);
        assert_eq!(Problem::of_failure("internal", "").status_code(), 500);
    }

    #[test]
    fn the_answer_carries_type_and_headers() {
        let response = Problem::new(StatusCode::METHOD_NOT_ALLOWED)
            .header(header::ALLOW, HeaderValue::from_static("GET"))
            .into_response();
        assert_eq!(response.status(), 405);
        assert_eq!(response.headers()[header::ALLOW], "GET");
        assert_eq!(response.headers()[header::CONTENT_TYPE], PROBLEM_JSON);
    }
}
