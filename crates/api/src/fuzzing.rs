//! What the fuzzer promises about the body of a start request, in any of its
//! forms. Only tests and the fuzz target `options` in `fuzz/` see this.
#![expect(clippy::panic, reason = "this is how a broken promise is told")]

use bestshot_decoder::AddressPolicy;
use bestshot_session::Source;
use poem::{Body, Request, http::HeaderValue, http::header};
use poem_openapi::{ApiExtractor, ExtractParamOptions};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use crate::{
    body::StartBody,
    options::{Checked, Given, START_OPTIONS, check_camera, check_options},
    problem::PROBLEM_JSON,
};

/// The password of requests that bring none.
const SECRET: &str = "s3cr3tc4n4ry";

thread_local! {
    static RUNTIME: Option<Runtime> = Builder::new_current_thread().build().ok();
}

/// A request: the first line is its content type, the rest its body.
///
/// # Panics
/// Where a refusal is anything but a plain 400, 415 or list of faults, where what
/// is accepted cannot be carried out, or where the password shows.
pub fn options(data: &[u8]) {
    let (content_type, body) = match data.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (data, &[][..]),
    };
    let Ok(content_type) = HeaderValue::from_bytes(content_type) else {
        return;
    };
    RUNTIME.with(|runtime| {
        let Some(runtime) = runtime else {
            return;
        };
        if let Some(mut given) = runtime.block_on(read(content_type, body.to_vec()))
            && !format!("{given:?}").contains(SECRET)
        {
            given.or_insert("username", Value::from("admin"));
            given.or_insert("password", Value::from(SECRET));
            judge(&given, &AddressPolicy::default());
            judge(&given, &AddressPolicy::new(vec![], vec![], false));
        }
    });
}

/// The fields of a request, unless it is refused as it should be.
async fn read(content_type: HeaderValue, body: Vec<u8>) -> Option<Given> {
    let request = Request::builder()
        .header(header::CONTENT_TYPE, content_type)
        .body(Body::from_vec(body));
    let (request, mut body) = request.split();
    let options = ExtractParamOptions::default();
    match StartBody::from_request(&request, &mut body, options).await {
        Ok(body) => Some(body.0),
        Err(error) => {
            let response = error.into_response();
            assert!(matches!(response.status().as_u16(), 400 | 415));
            assert_eq!(response.content_type(), Some(PROBLEM_JSON));
            None
        }
    }
}

fn judge(given: &Given, policy: &AddressPolicy) {
    match check_camera(given, policy) {
        Ok((url, checked)) => {
            // A host's Punycode and escapes can come to spell anything, even this.
            is_hidden(&format!("{url} {checked:?}").replacen(&url.host(), "", 1));
            can_be_carried_out(&checked);
            let _ = checked.job(Source::Rtsp(url), policy.clone());
        }
        Err(faults) => {
            is_hidden(&format!("{faults:?}"));
            assert!(!faults.errors.is_empty());
            for error in &faults.errors {
                assert!(error.message.ends_with('.'), "{error:?}");
                let known = START_OPTIONS.iter().any(|o| o.name == error.field);
                assert!(known || error.message == "There is no such option.");
            }
        }
    }
}

fn is_hidden(shown: &str) {
    assert!(!shown.contains(SECRET), "{shown}");
}

/// What is shown of accepted options is in range, and asks for the same again.
fn can_be_carried_out(checked: &Checked) {
    let shown = &checked.shown;
    assert!((1..=100).contains(&shown.limit));
    assert!(shown.width >= 1 && shown.height >= 1);
    assert!(shown.duration.is_none_or(|seconds| seconds > 0.0));
    assert!(checked.wait.as_secs() <= 30);
    let Ok(Value::Object(fields)) = serde_json::to_value(shown) else {
        panic!("not an object: {shown:?}");
    };
    // The interface leaves out what there is none of.
    let fields = fields.into_iter().filter(|(_, value)| !value.is_null());
    match check_options(&Given::from_json(fields)) {
        Ok(again) => assert_eq!(again.shown, *shown),
        Err(faults) => panic!("{shown:?} is refused: {faults:?}"),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    #[test]
    fn all_that_the_fuzzer_ever_kept_still_passes() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/options");
        let files: Vec<_> = fs::read_dir(corpus).unwrap().collect();
        assert!(!files.is_empty());
        for file in files {
            let path = file.unwrap().path();
            eprintln!("{}", path.display());
            options(&fs::read(path).unwrap());
        }
    }
}
