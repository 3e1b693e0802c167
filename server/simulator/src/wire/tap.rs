//! A tap on an HTTP/2 connection, between TLS and the crate `h2`, which cannot change SETTINGS_MAX_CONCURRENT_STREAMS
//! during a connection nor write debug data in GOAWAY. The tap follows frame borders in both directions, slips whole
//! frames into the outgoing stream between two frames, and takes the client's SETTINGS acknowledgements of those out
//! of the incoming stream before `h2` sees them.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

const HEAD: usize = 9;
const PREFACE: usize = 24;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const ACK: u8 = 1;

/// Both ends of the tap hold one: the connection puts frames in, the tap writes them.
#[derive(Clone, Default)]
pub(super) struct Inlet(Arc<Mutex<Queue>>);

#[derive(Default)]
struct Queue {
    waiting: Vec<u8>,
    /// Stream limits that were written and not acknowledged yet, oldest first.
    unacknowledged: Vec<u32>,
    /// The last limit that the client has acknowledged.
    agreed: Option<u32>,
}

impl Inlet {
    fn queue(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// SETTINGS_MAX_CONCURRENT_STREAMS = `limit`.
    pub(super) fn limit_streams(&self, limit: u32) {
        let mut queue = self.queue();
        queue.waiting.extend([0, 0, 6, SETTINGS, 0, 0, 0, 0, 0, 0, 3]);
        queue.waiting.extend(limit.to_be_bytes());
        queue.unacknowledged.push(limit);
    }

    /// The limit the client must keep: the largest it may still believe in. `None` before its first acknowledgement.
    pub(super) fn binding_limit(&self) -> Option<u32> {
        let queue = self.queue();
        queue.agreed.map(|agreed| queue.unacknowledged.iter().copied().fold(agreed, u32::max))
    }

    pub(super) fn go_away(&self, last_stream: u32, error: u32, debug: &str) {
        let mut queue = self.queue();
        let length = u32::try_from(8 + debug.len()).unwrap_or(8).to_be_bytes();
        queue.waiting.extend(&length[1..]);
        queue.waiting.extend([GOAWAY, 0, 0, 0, 0, 0]);
        queue.waiting.extend(last_stream.to_be_bytes());
        queue.waiting.extend(error.to_be_bytes());
        queue.waiting.extend(debug.as_bytes());
    }
}

/// Follows frame borders in a stream of bytes.
#[derive(Default)]
struct Borders {
    head: [u8; HEAD],
    have: usize,
    body_left: usize,
}

impl Borders {
    fn at_border(&self) -> bool {
        self.have == 0 && self.body_left == 0
    }

    fn body_length(&self) -> usize {
        usize::from(self.head[0]) << 16 | usize::from(self.head[1]) << 8 | usize::from(self.head[2])
    }

    /// Moves over `bytes` until the next border at most; returns how many were used.
    fn step(&mut self, bytes: &[u8]) -> usize {
        let mut used = 0;
        if self.body_left == 0 {
            let take = (HEAD - self.have).min(bytes.len());
            self.head[self.have..self.have + take].copy_from_slice(&bytes[..take]);
            self.have += take;
            used = take;
            if self.have < HEAD {
                return used;
            }
            self.have = 0;
            self.body_left = self.body_length();
        }
        let take = self.body_left.min(bytes.len() - used);
        self.body_left -= take;
        used + take
    }

    fn pass(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let used = self.step(bytes);
            bytes = &bytes[used..];
        }
    }
}

pub(super) struct Tap<T> {
    inner: T,
    inlet: Inlet,
    outgoing: Borders,
    /// h2's own first SETTINGS must go out before anything of ours.
    began: bool,
    injecting: Vec<u8>,
    injected: usize,
    incoming: Borders,
    preface_left: usize,
    /// The first acknowledgement answers h2's own SETTINGS.
    first_ack_seen: bool,
    /// A frame head that is not whole yet, held back because it may be an acknowledgement of ours.
    held: Vec<u8>,
    scratch: Vec<u8>,
    ready: Vec<u8>,
    ready_at: usize,
}

impl<T> Tap<T> {
    pub(super) fn new(inner: T, inlet: Inlet) -> Tap<T> {
        Tap {
            inner,
            inlet,
            outgoing: Borders::default(),
            began: false,
            injecting: Vec::new(),
            injected: 0,
            incoming: Borders::default(),
            preface_left: PREFACE,
            first_ack_seen: false,
            held: Vec::new(),
            scratch: vec![0; 32 * 1024],
            ready: Vec::new(),
            ready_at: 0,
        }
    }

    /// Sorts freshly read bytes (after any held ones) into what h2 shall see.
    fn filter(&mut self, fresh: &[u8]) {
        let joined;
        let mut bytes = fresh;
        if !self.held.is_empty() {
            self.held.extend_from_slice(fresh);
            joined = std::mem::take(&mut self.held);
            bytes = &joined;
        }
        while !bytes.is_empty() {
            if self.preface_left > 0 {
                let take = self.preface_left.min(bytes.len());
                self.ready.extend_from_slice(&bytes[..take]);
                self.preface_left -= take;
                bytes = &bytes[take..];
                continue;
            }
            if self.incoming.at_border() {
                let Some(head) = bytes.first_chunk::<HEAD>() else {
                    self.held = bytes.to_vec();
                    return;
                };
                if head[3] == SETTINGS && head[4] & ACK == ACK {
                    if self.first_ack_seen {
                        let mut queue = self.inlet.queue();
                        if !queue.unacknowledged.is_empty() {
                            queue.agreed = Some(queue.unacknowledged.remove(0));
                            bytes = &bytes[HEAD..];
                            continue;
                        }
                    }
                    self.first_ack_seen = true;
                }
            }
            let used = self.incoming.step(bytes);
            self.ready.extend_from_slice(&bytes[..used]);
            bytes = &bytes[used..];
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Tap<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            if this.ready_at < this.ready.len() {
                let take = out.remaining().min(this.ready.len() - this.ready_at);
                out.put_slice(&this.ready[this.ready_at..this.ready_at + take]);
                this.ready_at += take;
                return Poll::Ready(Ok(()));
            }
            this.ready.clear();
            this.ready_at = 0;
            let mut scratch = std::mem::take(&mut this.scratch);
            let mut read = ReadBuf::new(&mut scratch);
            let polled = Pin::new(&mut this.inner).poll_read(cx, &mut read);
            let count = read.filled().len();
            if matches!(polled, Poll::Ready(Ok(()))) && count > 0 {
                this.filter(&scratch[..count]);
            }
            this.scratch = scratch;
            match polled {
                Poll::Ready(Ok(())) if count > 0 => {} // perhaps all of it was ours: look again
                Poll::Ready(Ok(())) => return Poll::Ready(Ok(())),
                other => return other,
            }
        }
    }
}

impl<T: AsyncWrite + Unpin> Tap<T> {
    /// Writes waiting frames if the stream stands at a border.
    fn poll_inject(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            while self.injected < self.injecting.len() {
                match Pin::new(&mut self.inner).poll_write(cx, &self.injecting[self.injected..]) {
                    Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    Poll::Ready(Ok(n)) => self.injected += n,
                    Poll::Ready(Err(e)) => return Poll::Ready(Err(e)),
                    Poll::Pending => return Poll::Pending,
                }
            }
            self.injecting.clear();
            self.injected = 0;
            if !self.began || !self.outgoing.at_border() {
                return Poll::Ready(Ok(()));
            }
            let mut queue = self.inlet.queue();
            if queue.waiting.is_empty() {
                return Poll::Ready(Ok(()));
            }
            self.injecting = std::mem::take(&mut queue.waiting);
        }
    }

    fn something_waits(&self) -> bool {
        self.began && !self.inlet.queue().waiting.is_empty()
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Tap<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        match this.poll_inject(cx) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(e)) => return Poll::Ready(Err(e)),
            Poll::Pending => return Poll::Pending,
        }
        // Frames wait but the stream stands inside one: write only to its border, so that they can follow.
        let most = if !this.began || this.something_waits() {
            let mut ahead = Borders { head: this.outgoing.head, have: this.outgoing.have, body_left: this.outgoing.body_left };
            ahead.step(bytes)
        } else {
            bytes.len()
        };
        match Pin::new(&mut this.inner).poll_write(cx, &bytes[..most]) {
            Poll::Ready(Ok(n)) => {
                this.outgoing.pass(&bytes[..n]);
                this.began = this.began || this.outgoing.at_border();
                Poll::Ready(Ok(n))
            }
            other => other,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.poll_inject(cx) {
            Poll::Ready(Ok(())) => Pin::new(&mut self.inner).poll_flush(cx),
            other => other,
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.poll_inject(cx) {
            Poll::Ready(Ok(())) => Pin::new(&mut self.inner).poll_shutdown(cx),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    fn frame(kind: u8, flags: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = u32::try_from(body.len()).unwrap_or(0).to_be_bytes()[1..].to_vec();
        bytes.extend([kind, flags, 0, 0, 0, 0]);
        bytes.extend(body);
        bytes
    }

    #[tokio::test]
    async fn acknowledgements_of_our_settings_never_reach_h2_however_the_bytes_are_cut() -> io::Result<()> {
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        let mut sent = preface.clone();
        sent.extend(frame(SETTINGS, ACK, &[]));
        sent.extend(frame(1, 4, b"headers"));
        sent.extend(frame(SETTINGS, ACK, &[]));
        sent.extend(frame(0, 1, b"data"));
        let mut wanted = preface;
        wanted.extend(frame(SETTINGS, ACK, &[]));
        wanted.extend(frame(1, 4, b"headers"));
        wanted.extend(frame(0, 1, b"data"));
        for piece in [1, 2, 5, 9, 10, 1_000] {
            let inlet = Inlet::default();
            inlet.limit_streams(1);
            let (mut client, server) = tokio::io::duplex(4_096);
            let mut tap = Tap::new(server, inlet.clone());
            for part in sent.chunks(piece) {
                client.write_all(part).await?;
            }
            drop(client);
            let mut seen = Vec::new();
            tap.read_to_end(&mut seen).await?;
            assert_eq!(seen, wanted, "pieces of {piece}");
            assert_eq!(inlet.binding_limit(), Some(1));
        }
        Ok(())
    }

    #[tokio::test]
    async fn our_frames_go_out_between_frames_and_after_the_first() -> io::Result<()> {
        let inlet = Inlet::default();
        let (mut client, server) = tokio::io::duplex(4_096);
        let mut tap = Tap::new(server, inlet.clone());
        inlet.limit_streams(7);
        let first = frame(SETTINGS, 0, &[]);
        let second = frame(0, 0, b"0123456789");
        tap.write_all(&first).await?;
        tap.write_all(&second[..12]).await?;
        inlet.go_away(5, 0, "why");
        tap.write_all(&second[12..]).await?;
        tap.flush().await?;
        drop(tap);
        let mut seen = Vec::new();
        client.read_to_end(&mut seen).await?;
        let mut wanted = first;
        wanted.extend(frame(SETTINGS, 0, &[0, 3, 0, 0, 0, 7]));
        wanted.extend(second);
        wanted.extend(frame(GOAWAY, 0, b"\0\0\0\x05\0\0\0\0why"));
        assert_eq!(seen, wanted);
        Ok(())
    }
}
