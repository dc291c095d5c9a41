//! An example of each problem that an operation can answer, for the document.
//! Made as the real ones are, so that status and title fit.

use poem::http::StatusCode;
use serde_json::Value;

use crate::problem::{FieldError, Problem};

const ID: &str = "20261123-175514009-3f9a2c71";
const CAMERA: &str = "rtsp://127.0.0.1:8554/cam";

/// What the operation of this id answers with this status, for example.
pub(super) fn example(operation: &str, status: u16) -> Value {
    // None is missing: a test of this module's parent looks at each.
    let problem = problem(operation, status);
    problem.and_then(|p| p.to_value()).unwrap_or_default()
}

fn problem(operation: &str, status: u16) -> Option<Problem> {
    let code = StatusCode::from_u16(status).ok()?;
    let problem = Problem::new(code);
    Some(match (status, operation) {
        (400, "start" | "createSession") => of_field(
            code,
            "rtsp_url",
            "The camera's address is missing; it looks like rtsp://192.168.1.20:554/stream.",
        ),
        (400, "listSessions" | "getThumbnail" | "getOriginal") => {
            let name = match operation {
                "listSessions" => "limit",
                _ => "rank",
            };
            let message = "This value cannot be used here; the document says what can.";
            problem
                .detail(format!("The parameter {name} cannot be used."))
                .errors(vec![FieldError::new(name, message)])
        }
        (400, "stop" | "stopPost") => of_field(
            code,
            "sesion",
            "This address has no such parameter; it takes session.",
        ),
        (400, _) => of_field(
            code,
            "page",
            "This address has no such parameter; it takes none.",
        ),
        (404, "stop" | "stopPost") => {
            problem.detail("Nothing was started yet, so there is nothing to stop.")
        }
        (404, "getThumbnail") => problem.detail("The session has no thumbnail at rank 10."),
        (404, "getOriginal") => problem.detail("The session has no original at rank 10."),
        (409, "createSession") => {
            problem.detail(format!("The session {ID} reads {CAMERA} already."))
        }
        (409, "getGallery" | "getArchive") => {
            problem.detail("The session is not over yet; its gallery is made when it stops.")
        }
        (409, "getPlot") => problem.detail("No frame of the session was scored yet."),
        (409, _) => several_run(problem),
        (422, _) => of_field(code, "limit", "limit is a whole number from 1 to 100."),
        (502, _) => problem
            .kind("unauthorized")
            .detail("The camera did not accept the user name and password."),
        (504, _) => problem
            .kind("timeout")
            .detail("The camera did not answer in time."),
        (500, _) => problem.kind("internal").detail(sentence(status)?),
        (503, "start" | "createSession") => problem.kind("limit").detail(
            "16 sessions run already, which is the most this service was told to run. Stop one, \
             or start the service with a higher --max-sessions.",
        ),
        (507, "start" | "createSession") => {
            problem.detail("The disk is full: free some space, then start again.")
        }
        _ => problem.detail(sentence(status)?),
    })
}

fn of_field(status: StatusCode, field: &str, message: &str) -> Problem {
    Problem::of_fields(status, vec![FieldError::new(field, message)])
}

fn several_run(problem: Problem) -> Problem {
    let other = "20261123-175520731-91c04be2";
    problem
        .detail(format!(
            "Several sessions run; say which to stop, as in /stop?session={ID}. Running: {ID}, \
             {other}."
        ))
        .errors(vec![
            FieldError::new("session", format!("{ID} reads {CAMERA}")),
            FieldError::new("session", format!("{other} reads rtsp://192.168.1.20/live")),
        ])
}

/// The detail of a problem that is the same at every operation.
fn sentence(status: u16) -> Option<&'static str> {
    Some(match status {
        401 => {
            "This service asks for its API key: as a bearer token, in X-API-Key, or as the \
             password of HTTP Basic."
        }
        403 => "A page of another site cannot change anything here.",
        404 => "There is no such session.",
        408 => "The body did not arrive within ten seconds.",
        413 => "The body is larger than 64 KiB, which no request needs.",
        415 => {
            "Send the start options as application/json, application/x-www-form-urlencoded or \
             multipart/form-data, and say which in Content-Type."
        }
        421 => {
            "This service does not answer to that host name. Call it as localhost or 127.0.0.1, \
             or allow the name with --host."
        }
        500 => "Something went wrong inside bestshot; its log says what.",
        503 => "The answer took too long; the service may be overloaded.",
        507 => {
            "The disk is full. The winners are kept: free some space, then stop the session again."
        }
        _ => return None,
    })
}
