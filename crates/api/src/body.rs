//! The body of a start request in its three forms: JSON, URL-encoded form and
//! multipart form. Here it is only taken apart; `options` judges what it says.
//!
//! Written by hand rather than derived, so that one check sees the whole body
//! and can name every field at fault, where a derived one stops at the first.

use poem::{FromRequest, Request, RequestBody, Result, http::StatusCode, web::Multipart};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaMediaType, MetaRequest, MetaSchema, MetaSchemaRef, Registry},
};
use serde_json::{Map, Value};

use crate::{
    options::{Given, START_OPTIONS, Shape, StartOption},
    problem::{FieldError, Problem},
};

/// Media types of the three forms and the names of their schemas. Distinct
/// names, because client generators merge bodies whose schemas share one.
const FORMS: [(&str, &str); 3] = [
    ("application/json", "StartRequest"),
    ("application/x-www-form-urlencoded", "StartForm"),
    ("multipart/form-data", "StartMultipart"),
];

/// What a client asks to be started, not yet checked.
pub(crate) struct StartBody(pub(crate) Given);

impl<'a> ApiExtractor<'a> for StartBody {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        for (_, name) in FORMS {
            registry.create_schema::<Self, _>(name.to_owned(), |_| schema());
        }
    }

    fn request_meta() -> Option<MetaRequest> {
        let content = FORMS.map(|(content_type, name)| MetaMediaType {
            content_type,
            schema: MetaSchemaRef::Reference(name.to_owned()),
        });
        Some(MetaRequest {
            description: Some("The camera and how to choose its best frames."),
            content: content.into(),
            required: true,
        })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _options: ExtractParamOptions<Self::ParamType>,
    ) -> Result<Self> {
        let content_type = request.content_type().unwrap_or_default().to_owned();
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        let given = match essence.to_ascii_lowercase().as_str() {
            "application/json" => from_json(&whole(request, body).await?)?,
            "application/x-www-form-urlencoded" => {
                let bytes = whole(request, body).await?;
                from_pairs(url::form_urlencoded::parse(&bytes).into_owned())?
            }
            "multipart/form-data" => from_multipart(request, body).await?,
            _ => return Err(unsupported().into()),
        };
        Ok(Self(given))
    }
}

/// All of it: its size was limited before.
async fn whole(request: &Request, body: &mut RequestBody) -> Result<Vec<u8>> {
    <Vec<u8> as FromRequest>::from_request(request, body).await
}

fn from_json(bytes: &[u8]) -> Result<Given, Problem> {
    match serde_json::from_slice::<Value>(bytes) {
        Ok(Value::Object(fields)) => Ok(Given::from_json(fields)),
        Ok(_) => Err(malformed(
            "The body is JSON, but not an object with the start options.",
        )),
        // The position only: the message of the parser may quote the body.
        Err(error) => Err(malformed(format!(
            "The body is not valid JSON; it goes wrong at line {}, column {}.",
            error.line(),
            error.column()
        ))),
    }
}

fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Given, Problem> {
    Given::from_text(pairs)
        .map_err(|errors| malformed("A field was given more than once.").errors(errors))
}

async fn from_multipart(request: &Request, body: &mut RequestBody) -> Result<Given, Problem> {
    let broken = || malformed("The body is not a valid multipart form.");
    let mut multipart = <Multipart as FromRequest>::from_request(request, body)
        .await
        .map_err(|_| broken())?;
    let mut pairs = Vec::new();
    while let Some(field) = multipart.next_field().await.map_err(|_| broken())? {
        let name = field.name().map(str::to_owned).ok_or_else(broken)?;
        if field.file_name().is_some() {
            let error = FieldError::new(&name, "This field is text, not a file.");
            return Err(malformed("The form carries a file.").errors(vec![error]));
        }
        pairs.push((name, field.text().await.map_err(|_| broken())?));
    }
    from_pairs(pairs)
}

fn malformed(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST).detail(detail)
}

fn unsupported() -> Problem {
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE).detail(
        "Send the start options as application/json, application/x-www-form-urlencoded or \
         multipart/form-data, and say which in Content-Type.",
    )
}

/// The fields as the document describes them.
fn schema() -> MetaSchema {
    MetaSchema {
        required: vec!["rtsp_url"],
        properties: START_OPTIONS
            .iter()
            .map(|option| {
                (
                    option.name,
                    MetaSchemaRef::Inline(Box::new(field_schema(option))),
                )
            })
            .collect(),
        description: Some("The camera and how to choose its best frames."),
        example: Some(example()),
        ..MetaSchema::new("object")
    }
}

fn field_schema(option: &StartOption) -> MetaSchema {
    let shape = match option.shape {
        Shape::Text => MetaSchema::new("string"),
        Shape::Secret => MetaSchema::new_with_format("string", "password"),
        Shape::Word(words) => MetaSchema {
            enum_items: words.iter().map(|word| Value::from(*word)).collect(),
            ..MetaSchema::new("string")
        },
        Shape::Whole(from, to) => MetaSchema {
            minimum: Some(from.into()),
            maximum: Some(to.into()),
            ..MetaSchema::new_with_format("integer", "int32")
        },
        Shape::Flag => MetaSchema::new("boolean"),
        Shape::Number(from, to) => MetaSchema {
            minimum: Some(from),
            maximum: Some(to),
            ..MetaSchema::new_with_format("number", "double")
        },
    };
    MetaSchema {
        description: Some(option.about),
        default: serde_json::from_str(option.default).ok(),
        write_only: matches!(option.shape, Shape::Secret),
        ..shape
    }
}

/// A body that works, with a camera such as the demonstration serves.
fn example() -> Value {
    let mut fields = Map::new();
    fields.insert(
        "rtsp_url".to_owned(),
        Value::from("rtsp://127.0.0.1:8554/cam"),
    );
    fields.insert("best".to_owned(), Value::from("brightness"));
    fields.insert("limit".to_owned(), Value::from(9));
    Value::Object(fields)
}

#[cfg(test)]
mod tests {
    use poem::{Body, http::header};

    use super::*;

    async fn parse(content_type: &str, body: &str) -> Result<Given, u16> {
        let request = Request::builder()
            .header(header::CONTENT_TYPE, content_type)
            .body(Body::from_string(body.to_owned()));
        let (request, mut body) = request.split();
        StartBody::from_request(&request, &mut body, ExtractParamOptions::default())
            .await
            .map(|body| body.0)
            .map_err(|error| error.into_response().status().as_u16())
    }

    #[tokio::test]
    async fn the_three_forms_say_the_same() {
        let multipart = "--b\r\nContent-Disposition: form-data; name=\"rtsp_url\"\r\n\r\n\
                         rtsp://h/x\r\n--b--\r\n";
        for (content_type, body) in [
            (
                "application/json; charset=utf-8",
                r#"{"rtsp_url":"rtsp://h/x"}"#,
            ),
            (
                "application/x-www-form-urlencoded",
                "rtsp_url=rtsp%3A%2F%2Fh%2Fx",
            ),
            ("multipart/form-data; boundary=b", multipart),
        ] {
            let given = parse(content_type, body).await.unwrap();
            assert!(
                format!("{given:?}").contains("rtsp://h/x"),
                "{content_type}"
            );
        }
    }

    #[tokio::test]
    async fn malformed_bodies_are_400_and_other_types_415() {
        for (content_type, body, status) in [
            ("application/json", "{", 400),
            ("application/json", "[]", 400),
            ("application/json", "", 400),
            ("multipart/form-data; boundary=b", "nonsense", 400),
            ("multipart/form-data", "--b--", 400),
            ("application/x-www-form-urlencoded", "limit=1&limit=2", 400),
            ("text/plain", "rtsp://h/x", 415),
            ("", "", 415),
        ] {
            assert_eq!(
                parse(content_type, body).await.unwrap_err(),
                status,
                "{content_type}"
            );
        }
    }

    #[test]
    fn the_example_passes_the_check() {
        let Value::Object(fields) = example() else {
            panic!("not an object")
        };
        let policy = bestshot_decoder::AddressPolicy::default();
        assert!(crate::options::check_camera(&Given::from_json(fields), &policy).is_ok());
    }
}
