//! HTTP/2 connections on the crate `h2`: one task a connection, no task a request.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::{Request, request};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use types::vendor::Vendor;

use super::tap::{Inlet, Tap};
use super::{BODY_CAP, breaks_off, head_of, judge, route};
use crate::dials::Dials;
use crate::twin::{End, Line, Reply, Twin};

const WINDOW: u32 = 16 * 1024 * 1024;
/// How long a connection that was sent away may take for its last answers.
const FAREWELL: Duration = Duration::from_secs(2);
const OVER_STREAMS: &str = r#"{"reason":"active streams exceed the limit"}"#;
const SHUTDOWN: &str = r#"{"reason":"Shutdown"}"#;

enum Step {
    /// A request is whole.
    Whole(request::Parts, Bytes, SendResponse<Bytes>),
    /// A waiting answer is due.
    Due(Reply, SendResponse<Bytes>),
    /// The caller gave up, or a body broke off.
    Over,
    /// The dials break the connection off.
    Broken,
}

type Steps = FuturesUnordered<BoxFuture<'static, Step>>;

/// What happens to the connection after an exchange.
#[derive(PartialEq)]
enum Next {
    Stay,
    Close,
}

pub(super) async fn serve(stream: TlsStream<TcpStream>, twin: &Arc<Twin>) -> Result<(), h2::Error> {
    let inlet = Inlet::default();
    let dials = twin.dials(Vendor::Apns);
    if dials.late_settings_ms > 0 {
        tokio::time::sleep(Duration::from_millis(dials.late_settings_ms.into())).await;
    }
    let mut pinging = dials.ping_ms > 0;
    let every = Duration::from_millis(dials.ping_ms.max(1).into());
    let mut pings = tokio::time::interval(every);
    let mut streams = dials.first_streams;
    inlet.limit_streams(streams);
    let mut connection = h2::server::Builder::new()
        .initial_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .max_header_list_size(64 * 1024)
        .max_concurrent_reset_streams(4_096)
        .handshake::<_, Bytes>(Tap::new(stream, inlet.clone()))
        .await?;
    let mut line = Line::default();
    let mut ping_pong = connection.ping_pong();
    let mut steps = Steps::new();
    let mut last_stream = 0;
    let mut sent_away = false;
    let mut arrived: Vec<BoxFuture<'static, Step>> = Vec::new();
    loop {
        let mut next = Next::Stay;
        tokio::select! {
            biased;
            accepted = connection.accept() => {
                let mut accepted = Some(accepted);
                let every = dials_of(twin, &line).goaway_every;
                // Everything that lies ready, so that all its answers leave in one write.
                while let Some(one) = accepted {
                    let Some(one) = one else { return Ok(()) };
                    let (request, mut respond) = one?;
                    let active = steps.len() + arrived.len();
                    let over = inlet.binding_limit().is_some_and(|limit| active >= limit as usize);
                    if over && !sent_away {
                        send_away(twin, &inlet, last_stream, Reason::ENHANCE_YOUR_CALM, OVER_STREAMS);
                        sent_away = true;
                    }
                    if sent_away || active >= streams as usize {
                        // Not looked at: the caller may repeat it.
                        respond.send_reset(Reason::REFUSED_STREAM);
                    } else {
                        last_stream = respond.stream_id().as_u32();
                        let broken = breaks_off(twin, request.uri().path());
                        arrived.push(read(request, respond, broken).boxed());
                        let last_before_goaway = every > 0 && line.requests as usize + arrived.len() >= every as usize;
                        // The first token decides about the rest; so does a GOAWAY.
                        if !line.open() || last_before_goaway {
                            break;
                        }
                    }
                    accepted = connection.accept().now_or_never();
                }
            }
            _ = pings.tick(), if pinging => match &mut ping_pong {
                // One is under way at most; a pong that came since the last one is counted.
                Some(line) => {
                    if std::future::poll_fn(|cx| line.poll_pong(cx)).now_or_never().is_some_and(|pong| pong.is_ok()) {
                        twin.ledger.refuse(Vendor::Apns, "pong");
                    }
                    // An error = the last one is not answered yet.
                    drop(line.send_ping(h2::Ping::opaque()));
                }
                None => pinging = false,
            },
            Some(step) = steps.next(), if !steps.is_empty() => next = advance(twin, &mut line, &mut steps, step),
        }
        for mut reading in arrived.drain(..) {
            match reading.as_mut().now_or_never() {
                Some(step) if next == Next::Stay => next = advance(twin, &mut line, &mut steps, step),
                Some(_) => {}
                None => steps.push(reading),
            }
        }
        if next == Next::Close {
            return Ok(()); // dropped with everything in flight: the callers see a broken connection
        }
        let dials = dials_of(twin, &line);
        let wanted = if line.open() { dials.max_streams } else { dials.first_streams };
        if wanted != streams {
            streams = wanted;
            inlet.limit_streams(streams);
        }
        if !sent_away && dials.goaway_every > 0 && line.requests >= dials.goaway_every {
            let (error, debug) = if dials.goaway_error { (Reason::INTERNAL_ERROR, SHUTDOWN) } else { (Reason::NO_ERROR, "") };
            send_away(twin, &inlet, last_stream, error, debug);
            sent_away = true;
        }
        if sent_away && steps.is_empty() {
            // Everything is answered. Late streams are refused until the caller leaves, or patience ends.
            let farewell = async {
                while let Some(Ok((_, mut respond))) = connection.accept().await {
                    respond.send_reset(Reason::REFUSED_STREAM);
                }
            };
            return tokio::time::timeout(FAREWELL, farewell).await.map_or(Ok(()), Ok);
        }
    }
}

fn send_away(twin: &Twin, inlet: &Inlet, last_stream: u32, reason: Reason, debug: &str) {
    twin.goaways.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    inlet.go_away(last_stream, reason.into(), debug);
}

fn dials_of(twin: &Twin, line: &Line) -> Arc<Dials> {
    twin.dials(line.bulk.unwrap_or(Vendor::Apns))
}

/// Reads the body to its end.
async fn read(request: Request<RecvStream>, respond: SendResponse<Bytes>, broken: bool) -> Step {
    let (parts, mut stream) = request.into_parts();
    let mut first = Bytes::new();
    let mut more = Vec::new();
    while let Some(chunk) = stream.data().await {
        if broken {
            return Step::Broken;
        }
        let Ok(chunk) = chunk else { return Step::Over };
        if stream.flow_control().release_capacity(chunk.len()).is_err() || first.len() + more.len() + chunk.len() > BODY_CAP {
            return Step::Over;
        }
        if first.is_empty() {
            first = chunk;
        } else {
            more.extend_from_slice(&chunk);
        }
    }
    if !more.is_empty() {
        first = Bytes::from([first.as_ref(), &more].concat());
    }
    Step::Whole(parts, first, respond)
}

fn advance(twin: &Arc<Twin>, line: &mut Line, steps: &mut Steps, step: Step) -> Next {
    let (reply, mut respond) = match step {
        Step::Over => return Next::Stay,
        Step::Broken => return Next::Close,
        Step::Due(reply, respond) => (reply, respond),
        Step::Whole(parts, body, respond) => {
            let named = route(parts.uri.path()).map(|(vendor, ..)| vendor).filter(|v| *v != Vendor::Apns);
            line.bulk = named.or(line.bulk);
            let reply = judge(twin, line, &parts, &body);
            if !reply.delay.is_zero() {
                steps.push(wait(reply, respond).boxed());
                return Next::Stay;
            }
            (reply, respond)
        }
    };
    match reply.end {
        End::Answer => {
            send(reply, &mut respond);
            Next::Stay
        }
        End::Hang => {
            steps.push(
                async move {
                    // Ends when the caller resets the stream or the connection goes.
                    drop(std::future::poll_fn(|cx| respond.poll_reset(cx)).await);
                    Step::Over
                }
                .boxed(),
            );
            Next::Stay
        }
        End::Close | End::Cut => Next::Close,
    }
}

async fn wait(mut reply: Reply, mut respond: SendResponse<Bytes>) -> Step {
    let due = tokio::time::sleep(reply.delay);
    reply.delay = Duration::ZERO;
    tokio::select! {
        () = due => Step::Due(reply, respond),
        // A caller that gave up frees its stream.
        _ = std::future::poll_fn(|cx| respond.poll_reset(cx)) => Step::Over,
    }
}

/// Errors here mean that the caller is gone, which is the caller's business.
fn send(mut reply: Reply, respond: &mut SendResponse<Bytes>) {
    let head = head_of(&mut reply);
    let empty = reply.body.is_empty();
    if let Ok(mut stream) = respond.send_response(head, empty)
        && !empty
    {
        for left in (0..reply.times).rev() {
            if stream.send_data(reply.body.clone(), left == 0).is_err() {
                return;
            }
        }
    }
}
