//! Connections: limited in number and in time.
//!
//! A connection carries one request. Its head must arrive within [`HEAD_TIME`], and the connection
//! is closed after [`LIFE_TIME`] in any case.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep};

/// How many connections are open at once; the next ones wait in the system's queue.
const CONNECTIONS_MAX: usize = 256;
/// From the connection to the end of the request's head.
pub(crate) const HEAD_TIME: Duration = Duration::from_secs(10);
/// From the connection to its end: the head, the body, a wait for a free hand, and the answer.
const LIFE_TIME: Duration = Duration::from_mins(1);

/// Accepts connections while there is room for them.
pub(crate) struct Door {
    listener: TcpListener,
    room: Arc<Semaphore>,
}

impl Door {
    /// Behind a listener that is bound already.
    pub(crate) fn new(listener: TcpListener) -> Door {
        Door {
            listener,
            room: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
        }
    }
}

impl Listener for Door {
    type Io = Timed;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Timed, SocketAddr) {
        // Never closed; without a permit, there would only be no upper bound.
        let permit = Arc::clone(&self.room).acquire_owned().await.ok();
        let (stream, address) = Listener::accept(&mut self.listener).await;
        let timed = Timed {
            stream,
            opened: Instant::now(),
            end: Box::pin(tokio::time::sleep(HEAD_TIME)),
            arrived: Arc::new(AtomicBool::new(false)),
            _permit: permit,
        };
        (timed, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A stream that ends in time.
pub(crate) struct Timed {
    stream: TcpStream,
    opened: Instant,
    end: Pin<Box<Sleep>>,
    arrived: Arc<AtomicBool>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Timed {
    /// An error once the time is up.
    fn poll_time(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        while self.end.as_mut().poll(context).is_ready() {
            let end = self.opened + LIFE_TIME;
            if !self.arrived.load(Ordering::Relaxed) || self.end.deadline() >= end {
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.end.as_mut().reset(end);
        }
        Ok(())
    }
}

impl AsyncRead for Timed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll_time(context)?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Timed {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_time(context)?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_time(context)?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_time(context)?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// The other side of a connection.
#[derive(Clone)]
pub(crate) struct Peer {
    /// Its address, or its proxy's.
    pub address: SocketAddr,
    arrived: Arc<AtomicBool>,
}

impl Peer {
    /// Says that the head of its request is there.
    pub(crate) fn arrived(&self) {
        self.arrived.store(true, Ordering::Relaxed);
    }
}

impl Connected<IncomingStream<'_, Door>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Peer {
        Peer {
            address: *stream.remote_addr(),
            arrived: Arc::clone(&stream.io().arrived),
        }
    }
}
