//! HTTP/1.1 connections: hyper reads and writes, the twin judges.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use types::vendor::Vendor;

use super::{BODY_CAP, breaks_off, head_of, judge, route};
use crate::twin::{End, Line, Reply, Twin};

pub(super) async fn serve(stream: TlsStream<TcpStream>, twin: Arc<Twin>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let line = Arc::new(Mutex::new(Line::default()));
    let service = service_fn(move |request| exchange(request, Arc::clone(&twin), Arc::clone(&line)));
    Ok(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await?)
}

/// An error closes the connection without an answer.
async fn exchange(request: Request<Incoming>, twin: Arc<Twin>, line: Arc<Mutex<Line>>) -> Result<Response<Answer>, &'static str> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    // APNs speaks HTTP/2 only.
    if route(path).is_some_and(|(vendor, ..)| vendor == Vendor::Apns) {
        return Ok(Response::from_parts(head_of(&mut Reply::bare(505)).into_parts().0, Answer::whole(Bytes::new(), 1)));
    }
    if breaks_off(&twin, path) {
        let mut body = body;
        drop(body.frame().await);
        return Err("broken off while the body was being read");
    }
    let Ok(body) = Limited::new(body, BODY_CAP).collect().await else { return Err("the body broke off or was too large") };
    let body = body.to_bytes();
    let mut reply = {
        let mut line = line.lock().unwrap_or_else(PoisonError::into_inner);
        judge(&twin, &mut line, &parts, &body)
    };
    if !reply.delay.is_zero() {
        tokio::time::sleep(reply.delay).await;
    }
    let head = head_of(&mut reply).into_parts().0;
    match reply.end {
        End::Answer => Ok(Response::from_parts(head, Answer::whole(reply.body, reply.times))),
        End::Close => Err("closed before the request was looked at"),
        End::Hang => std::future::pending().await,
        End::Cut => {
            let half = reply.body.slice(..reply.body.len() / 2);
            Ok(Response::from_parts(head, Answer { now: half, times: 1, promised: reply.body.len().max(1), broken: true }))
        }
    }
}

/// A body that may promise more than it brings, or bring the same many times.
struct Answer {
    now: Bytes,
    times: u32,
    promised: usize,
    broken: bool,
}

impl Answer {
    fn whole(body: Bytes, times: u32) -> Answer {
        Answer { promised: body.len() * times as usize, now: body, times, broken: false }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.times > 0 && !self.now.is_empty() {
            self.times -= 1;
            return Poll::Ready(Some(Ok(Frame::data(self.now.clone()))));
        }
        Poll::Ready(self.broken.then_some(Err("the answer breaks off here")))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.promised as u64)
    }
}

/// A plain HTTP/1.1 server for the control API.
pub(crate) async fn serve_plain<F, R>(tcp: TcpStream, answer: F) -> hyper::Result<()>
where
    F: Fn(Request<Incoming>) -> R,
    R: Future<Output = Response<http_body_util::Full<Bytes>>>,
{
    let service = service_fn(|request| {
        let answered = answer(request);
        async { Ok::<_, Infallible>(answered.await) }
    });
    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(tcp), service).await
}
