//! Whether the server answers.

use std::io;
use std::thread;
use std::time::Duration;

use tokio_postgres::NoTls;
use tokio_postgres::error::SqlState;

use super::{Local, SOCKET, failed};
use crate::refusal::Result;
use crate::store::error::refusal;

/// What the socket says.
#[derive(Debug, PartialEq)]
pub(super) enum Answer {
    Ready(String),
    NoDatabase,
    Starting,
    Silent,
    Other(String),
}

impl Local {
    pub(super) fn ask(&self) -> Answer {
        if !self.socket.join(SOCKET).exists() {
            return Answer::Silent;
        }
        let config = self.own_config();
        let asked = on_own_runtime(async move {
            let connecting = config.connect(NoTls);
            let connected = tokio::time::timeout(Duration::from_secs(5), connecting).await;
            connected.map(|connected| {
                connected.map(|(_client, connection)| {
                    connection
                        .parameter("server_version")
                        .unwrap_or_default()
                        .to_string()
                })
            })
        });
        match asked {
            Ok(Ok(Ok(version))) => Answer::Ready(first_word(&version)),
            Ok(Ok(Err(error))) => answer(&error),
            // A server that takes connections and says nothing is busy with its start or its end.
            Ok(Err(_elapsed)) => Answer::Starting,
            Err(refusal) => Answer::Other(refusal.what),
        }
    }
}

/// Sorts a failed connection.
fn answer(error: &tokio_postgres::Error) -> Answer {
    if let Some(code) = error.code() {
        return match *code {
            SqlState::INVALID_CATALOG_NAME => Answer::NoDatabase,
            SqlState::CANNOT_CONNECT_NOW => Answer::Starting,
            // All connections are taken, so it runs.
            SqlState::TOO_MANY_CONNECTIONS => Answer::Ready(String::new()),
            _ => Answer::Other(refusal(error, "asking it").what),
        };
    }
    let cause =
        std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<io::Error>());
    match cause.map(io::Error::kind) {
        Some(io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => Answer::Silent,
        Some(io::ErrorKind::PermissionDenied) => {
            Answer::Other("its socket belongs to another user".to_string())
        }
        // It hung up: it is just ending, or has just begun.
        _ => Answer::Starting,
    }
}

/// Runs a future to its end on a thread of its own, so that it doesn't matter whether the caller
/// is inside an async runtime.
pub(super) fn on_own_runtime<F>(future: F) -> Result<F::Output>
where
    F: Future + Send,
    F::Output: Send,
{
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        Ok(runtime.block_on(future))
    };
    thread::scope(|scope| scope.spawn(run).join())
        .unwrap_or_else(|_| Err(io::Error::other("the thread that asks it ended early")))
        .map_err(|error: io::Error| failed("the local database", &error.to_string()))
}

fn first_word(text: &str) -> String {
    text.split_whitespace()
        .next()
        .unwrap_or_default()
        .to_string()
}
