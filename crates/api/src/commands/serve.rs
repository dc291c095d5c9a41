//! `bestshot serve`: puts the service together, and takes it down so that
//! nothing is lost.

use std::{fs, sync::Arc};

use bestshot_decoder::AddressPolicy;
use bestshot_gallery::Store;
use bestshot_session::WorkerCommand;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Outcome, interrupted, print};
use crate::{
    cli::Serve,
    guard::{ApiKey, Guard},
    server::{self, Limits},
    service::Service,
    state::{Sessions, blocking},
};

pub(super) async fn run(args: Serve, worker: WorkerCommand) -> Outcome {
    match serve(args, worker).await {
        Ok(()) => Outcome::DONE,
        Err(outcome) => outcome,
    }
}

async fn serve(args: Serve, worker: WorkerCommand) -> Result<(), Outcome> {
    let local = args.listen.ip().is_loopback();
    let key = api_key(&args, local)?;
    let interrupted = interrupted().map_err(Outcome::fault)?;
    let data_dir = args.data_dir.clone();
    let store = blocking(move || Store::open(data_dir))
        .await
        .map_err(Outcome::fault)?;
    let policy = AddressPolicy::new(args.allow, args.deny, local);
    let sessions = Sessions::new(
        Arc::new(store),
        worker,
        policy,
        args.deadlines.into(),
        args.max_sessions.get(),
    );
    // Beyond loopback the key protects; on loopback, the host name does.
    let guard = Guard::new(local.then_some(args.host), key);
    let service = Arc::new(Service::new(Arc::clone(&sessions), guard));
    let listener = TcpListener::bind(args.listen)
        .await
        .map_err(|e| Outcome::fault(format!("cannot listen on {}: {e}", args.listen)))?;
    let address = listener.local_addr().map_err(Outcome::fault)?;

    let shutdown = CancellationToken::new();
    let serving = tokio::spawn(server::serve(
        listener,
        service,
        Limits::default(),
        shutdown.clone(),
    ));
    print(format_args!("bestshot is listening on http://{address}"));
    interrupted.await;

    tracing::info!("shutting down: stopping sessions and saving their galleries");
    shutdown.cancel();
    let saved = sessions.close().await;
    // Requests that waited for a stop have it now.
    let served = serving.await;
    tracing::info!("shut down");
    saved.map_err(|e| Outcome::fault(format!("a gallery could not be saved: {e}")))?;
    served.map_err(Outcome::fault)
}

/// The key that clients must show, if any.
fn api_key(args: &Serve, local: bool) -> Result<Option<ApiKey>, Outcome> {
    let Some(path) = &args.api_key_file else {
        return if local || args.no_api_key {
            Ok(None)
        } else {
            Err(Outcome::usage(format!(
                "{} can be reached from other machines: give --api-key-file, or --no-api-key to \
                 let anyone in",
                args.listen
            )))
        };
    };
    let text = fs::read_to_string(path).map_err(|e| {
        Outcome::usage(format!(
            "the key file {} cannot be read: {e}",
            path.display()
        ))
    })?;
    let key = ApiKey::parse(&text)
        .map_err(|e| Outcome::usage(format!("the key file {}: {e}", path.display())))?;
    Ok(Some(key))
}
