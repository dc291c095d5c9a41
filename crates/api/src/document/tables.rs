//! What the document says beyond the code: which problems each operation can
//! answer, what each status means, and an example of each object.

use serde_json::{Value, json};

use super::problems::example;

/// What one operation can answer.
pub(super) struct Operation {
    pub(super) id: &'static str,
    pub(super) path: &'static str,
    pub(super) method: &'static str,
    /// The description of an answer that has none of its own.
    pub(super) success: &'static str,
    /// The problems beyond those that any operation can have.
    pub(super) problems: &'static [u16],
}

const fn operation(
    id: &'static str,
    method: &'static str,
    path: &'static str,
    success: &'static str,
    problems: &'static [u16],
) -> Operation {
    Operation {
        id,
        path,
        method,
        success,
        problems,
    }
}

const ONE: &str = "/v1/sessions/{session_id}";

/// All operations.
pub(super) const OPERATIONS: &[Operation] = &[
    operation(
        "start",
        "post",
        "/start",
        "A session reads the camera.",
        &[415, 422, 502, 504, 507],
    ),
    operation(
        "stop",
        "get",
        "/stop",
        "The saved winners.",
        &[404, 409, 507],
    ),
    operation(
        "stopPost",
        "post",
        "/stop",
        "The saved winners.",
        &[404, 409, 507],
    ),
    operation(
        "createSession",
        "post",
        "/v1/sessions",
        "The session that was started.",
        &[409, 415, 422, 502, 504, 507],
    ),
    operation(
        "listSessions",
        "get",
        "/v1/sessions",
        "One page of the sessions.",
        &[400],
    ),
    operation("getSession", "get", ONE, "The session.", &[404]),
    operation(
        "deleteSession",
        "delete",
        ONE,
        "The session is gone.",
        &[404],
    ),
    operation(
        "stopSession",
        "post",
        "/v1/sessions/{session_id}/stop",
        "What the session left behind.",
        &[404, 507],
    ),
    operation(
        "getGallery",
        "get",
        "/v1/sessions/{session_id}/gallery",
        "The page with the saved winners.",
        &[404, 409],
    ),
    operation(
        "listScores",
        "get",
        "/v1/sessions/{session_id}/scores",
        "The score over time.",
        &[404],
    ),
    operation(
        "getPlot",
        "get",
        "/v1/sessions/{session_id}/plot",
        "The picture.",
        &[404, 409],
    ),
    operation(
        "getArchive",
        "get",
        "/v1/sessions/{session_id}/archive",
        "The archive.",
        &[404, 409],
    ),
    operation(
        "listFrames",
        "get",
        "/v1/sessions/{session_id}/frames",
        "The best frames.",
        &[404],
    ),
    operation(
        "getThumbnail",
        "get",
        "/v1/sessions/{session_id}/frames/{rank}/thumbnail",
        "The picture.",
        &[400, 404],
    ),
    operation(
        "getOriginal",
        "get",
        "/v1/sessions/{session_id}/frames/{rank}/original",
        "The picture.",
        &[400, 404],
    ),
    operation(
        "streamEvents",
        "get",
        "/v1/sessions/{session_id}/events",
        "The stream.",
        &[404],
    ),
    operation(
        "listCharacteristics",
        "get",
        "/v1/characteristics",
        "The characteristics and presets.",
        &[],
    ),
    operation("getHealth", "get", "/v1/health", "The service is up.", &[]),
];

/// What a problem of each status means here.
pub(super) const STATUS_TEXTS: &[(u16, &str)] = &[
    (
        400,
        "The request is malformed: a body that cannot be read, a camera's address that is \
         missing or none, a parameter of the wrong type or unknown.",
    ),
    (401, "The API key is missing or wrong."),
    (
        403,
        "The request comes from another site's page or a prefetch.",
    ),
    (404, "There is no such session, frame or picture."),
    (408, "The body did not arrive in time."),
    (
        409,
        "The session's state does not allow it: several run, one runs already, or not over.",
    ),
    (413, "The body is larger than 64 KiB."),
    (
        415,
        "The body is none of the types that this operation reads.",
    ),
    (
        421,
        "The service does not answer to the host name of the request.",
    ),
    (
        422,
        "The request is well formed, but values are out of range, not offered by this version, \
         or name a camera in a network that is closed; `errors` names each field.",
    ),
    (
        500,
        "Something went wrong inside bestshot; its log says what.",
    ),
    (
        502,
        "With `wait`: the camera could not be read; `kind` says why.",
    ),
    (
        503,
        "As many sessions run as may, or the service is shutting down or overloaded.",
    ),
    (
        504,
        "With `wait`: the camera stayed silent; `kind` says at which stage.",
    ),
    (
        507,
        "The disk is full. The winners are kept; the same call tries again.",
    ),
];

/// An example of each object, for the document.
pub(super) fn examples() -> Vec<(&'static str, Value)> {
    let session = json!({
        "id": "20261123-175514009-3f9a2c71",
        "rtsp_url": "rtsp://127.0.0.1:8554/cam",
        "state": "stopped",
        "options": {
            "best": "brightness", "limit": 9, "min_gap": 0.0, "distinct": 0.0,
            "width": 300, "height": 300, "fit": "cover", "sampling": "all",
            "transport": "auto", "tls_insecure": false, "warmup": 0.0, "persist": false
        },
        "stream": {
            "codec": "h264", "width": 768, "height": 576, "pixel_format": "yuv420p",
            "frame_rate": 10.0, "transport": "tcp"
        },
        "stats": {
            "packets": 300, "bytes": 2_412_345, "frames_decoded": 298, "frames_scored": 298,
            "frames_dropped": 0,
            "frames_rejected": {"corrupt": 0, "before_keyframe": 0, "warmup": 0},
            "reconnects": 0, "fps": 10.0, "lag_ms": 12
        },
        "started_at": "2026-11-23T17:55:14.009Z",
        "ended_at": "2026-11-23T17:55:44.101Z"
    });
    let base = "/v1/sessions/20261123-175514009-3f9a2c71";
    let frame = json!({
        "rank": 1, "score": 0.4517, "scores": {"brightness": 0.4517, "exposure": 0.9831}, "index": 212,
        "stream_time": 21.2, "captured_at": "2026-11-23T17:55:35.480Z", "clock": "receive",
        "keyframe": false, "width": 768, "height": 576,
        "thumbnail_url": format!("{base}/frames/1/thumbnail"),
        "original_url": format!("{base}/frames/1/original")
    });
    vec![
        ("SessionList", json!({"items": [session]})),
        (
            "StartReply",
            json!({"message": "Video processing started.", "session": session}),
        ),
        (
            "StopReport",
            json!({
                "session": session, "frames": [frame], "gallery_url": format!("{base}/gallery")
            }),
        ),
        (
            "FrameList",
            json!({
                "session_id": "20261123-175514009-3f9a2c71", "revision": 299, "items": [frame]
            }),
        ),
        ("Session", session),
        ("Frame", frame),
        ("Problem", example("start", 422)),
        (
            "ScoreList",
            json!({
                "session_id": "20261123-175514009-3f9a2c71",
                "items": [
                    {"stream_time": 0.0, "low": 0.4401, "mean": 0.4457, "high": 0.4498},
                    {"stream_time": 0.2, "low": 0.4422, "mean": 0.4479, "high": 0.4517}
                ]
            }),
        ),
        (
            "CharacteristicList",
            json!({
                "characteristics": [
                    {"name": "brightness", "about": "The most light, wherever it is."}
                ],
                "presets": [{
                    "name": "vivid", "about": "Rich colours and strong light.",
                    "weights": {"colorfulness": 0.5, "contrast": 0.3, "exposure": 0.2}
                }]
            }),
        ),
        (
            "Health",
            json!({
                "status": "ok", "version": env!("CARGO_PKG_VERSION"), "sessions_running": 1,
                "sessions_max": 16, "uptime": 12.5
            }),
        ),
    ]
}
