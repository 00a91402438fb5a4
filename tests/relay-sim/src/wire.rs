//! Connections that a fault can end without a word.

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

/// A client's end of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    broken: Arc<AtomicBool>,
}

impl Peer {
    /// Nothing more is sent; the connection ends at the next attempt.
    pub(crate) fn break_off(&self) {
        self.broken.store(true, Ordering::Release);
    }
}

/// A listener whose connections can be broken off.
#[derive(Debug)]
pub(crate) struct Breakable(pub(crate) TcpListener);

/// One of its connections.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    broken: Arc<AtomicBool>,
}

impl Listener for Breakable {
    type Io = Wire;
    type Addr = Peer;

    async fn accept(&mut self) -> (Wire, Peer) {
        loop {
            if let Ok((stream, address)) = self.0.accept().await {
                // Answers are small and somebody waits for each.
                let _ = stream.set_nodelay(true);
                let broken = Arc::new(AtomicBool::new(false));
                let peer = Peer {
                    address,
                    broken: Arc::clone(&broken),
                };
                return (Wire { stream, broken }, peer);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn local_addr(&self) -> io::Result<Peer> {
        Ok(Peer {
            address: self.0.local_addr()?,
            broken: Arc::default(),
        })
    }
}

impl Connected<IncomingStream<'_, Breakable>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Breakable>) -> Self {
        stream.remote_addr().clone()
    }
}

impl Wire {
    fn alive(&self) -> io::Result<()> {
        if self.broken.load(Ordering::Acquire) {
            Err(io::Error::other("broken off on request"))
        } else {
            Ok(())
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.alive()?;
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.alive()?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.alive()?;
        Pin::new(&mut self.stream).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.alive()?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
