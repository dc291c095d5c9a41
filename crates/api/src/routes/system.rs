//! The service itself.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::{OpenApi, payload::Json};

use super::Tag;
use crate::{problem::Problem, schema::Health, state::Sessions};

pub(crate) struct System;

#[expect(
    clippy::unused_async,
    reason = "poem-openapi takes async handlers only"
)]
#[OpenApi(tag = "Tag::System")]
impl System {
    /// Is the service up?
    ///
    /// Needs no API key, so that a supervisor can ask.
    #[oai(path = "/v1/health", method = "get", operation_id = "getHealth")]
    async fn health(&self, sessions: Data<&Arc<Sessions>>) -> Result<Json<Health>, Problem> {
        Ok(Json(Health {
            status: "ok".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            sessions_running: sessions.running().len() as u64,
            sessions_max: sessions.max as u64,
            uptime: sessions.uptime().as_secs_f64(),
        }))
    }
}
