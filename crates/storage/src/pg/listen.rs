//! Changes of the directory, as the server announces them.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use futures::{FutureExt, StreamExt, select_biased};
use tokio_postgres::AsyncMessage;

use super::connect::Login;
use super::pool::{Room, is_too_many};
use crate::changes::{ChangeSink, Notice};
use crate::classify::chain;
use crate::error::StorageError;

const CHANNEL: &str = "gateway_directory";

const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// The waits before the next tries to connect: doubled each time, up to the longest, with some chance in them so that many
/// nodes do not come back at once.
const WAITS: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(100))
    .with_max_delay(LONGEST_WAIT)
    .with_jitter()
    .without_max_times();

/// A connection that says nothing for this long is asked whether it still lives.
const SILENCE: Duration = Duration::from_secs(15);
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Listens for as long as it is polled, over as many connections as that takes.
pub(super) async fn watch(login: &Login, room: &Room, sink: &dyn ChangeSink) {
    let mut waits = WAITS.build();
    loop {
        let ended = listen(login, sink, &mut waits).await;
        sink.unheard().await;
        match ended {
            Ok(()) => tracing::warn!("the connection that listens for changes ended"),
            Err(error) => {
                if is_too_many(&error) {
                    room.make();
                }
                let error: &(dyn std::error::Error + 'static) = &error;
                tracing::warn!(error = chain(error), "cannot listen for changes");
            }
        }
        tokio::time::sleep(waits.next().unwrap_or(LONGEST_WAIT)).await;
    }
}

/// Listens over one connection until it ends.
async fn listen(
    login: &Login,
    sink: &dyn ChangeSink,
    waits: &mut ExponentialBackoff,
) -> Result<(), StorageError> {
    let (client, messages) = login.client().await?;
    let mut messages = messages.fuse();
    let command = format!("LISTEN {CHANNEL}");
    let mut listening = Box::pin(client.batch_execute(&command)).fuse();
    let mut is_answered = false;
    let mut is_announced = false;
    loop {
        let patience = if is_answered { SILENCE } else { ANSWER_WITHIN };
        let mut silence = Box::pin(tokio::time::sleep(patience)).fuse();
        select_biased! {
            done = listening => {
                done.map_err(StorageError::unavailable)?;
                is_answered = true;
                if !is_announced {
                    is_announced = true;
                    *waits = WAITS.build();
                    // Changes before this are not announced any more.
                    sink.everything().await;
                }
            }
            message = messages.next() => match message {
                Some(Ok(AsyncMessage::Notification(notice))) => Notice::parse(notice.payload()).tell(sink).await,
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(StorageError::unavailable(error)),
                None => return Ok(()),
            },
            () = silence => {
                if !is_answered {
                    return Err(StorageError::unavailable("the server does not answer"));
                }
                // Listening twice is listening once, so the command serves as the question too.
                is_answered = false;
                listening = Box::pin(client.batch_execute(&command)).fuse();
            }
        }
    }
}
