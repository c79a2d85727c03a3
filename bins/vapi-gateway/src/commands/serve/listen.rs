//! The listener, and the signals.

use std::convert::Infallible;
use std::future::Future;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};

use anyhow::{Context, bail};
use tokio::net::TcpSocket;

/// Connections that wait to be taken. A burst of calls is no reason to turn any away.
const BACKLOG: u32 = 1024;

/// Binds the listener.
///
/// # Errors
/// With what to do about it, where that is known.
pub(super) fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let error = match listen(address) {
        Ok(listener) => return Ok(listener),
        Err(error) => error,
    };
    match error.kind() {
        ErrorKind::AddrInUse => bail!(
            "another program listens on {address} already: stop it, or take another port with --port or PORT"
        ),
        ErrorKind::PermissionDenied => {
            bail!("listening on {address} is not permitted: take a port above 1023 with --port or PORT")
        }
        ErrorKind::AddrNotAvailable => {
            bail!("{} is no address of this machine: set --host or HOST", address.ip())
        }
        _ => Err(error).with_context(|| format!("cannot listen on {address}")),
    }
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restart does not have to wait for connections of the last run to be forgotten.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

/// Ready when the process is told to stop: SIGTERM or SIGINT.
///
/// # Errors
/// When the system takes no handler.
#[cfg(unix)]
pub(super) fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be handled")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be handled")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("told to stop: running requests end first");
    })
}

/// Ready when the process is told to stop: Ctrl-C.
///
/// # Errors
/// Never; the signature is that of other systems.
#[cfg(not(unix))]
pub(super) fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    Ok(async {
        // Without a handler the system's own stops the process.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}

/// Acts at each signal to read settings again, SIGHUP, for as long as it is polled. From here on the signal ends no process.
///
/// # Errors
/// When the system takes no handler.
#[cfg(unix)]
pub(super) fn at_hangup(act: impl Fn()) -> anyhow::Result<impl Future<Output = Infallible>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut hangup = signal(SignalKind::hangup()).context("SIGHUP cannot be handled")?;
    Ok(async move {
        loop {
            hangup.recv().await;
            act();
        }
    })
}

/// Never acts: other systems have no such signal.
///
/// # Errors
/// Never; the signature is that of other systems.
#[cfg(not(unix))]
pub(super) fn at_hangup(_act: impl Fn()) -> anyhow::Result<impl Future<Output = Infallible>> {
    Ok(std::future::pending())
}
