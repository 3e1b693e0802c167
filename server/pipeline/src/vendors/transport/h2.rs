//! HTTP/2 by the crate `h2`, for APNs and FCM: few connections, many streams, an own bound below the peer's. The first
//! request of a connection goes alone: APNs wants it so until a valid token has come.
//!
//! What is known of a request when something breaks:
//!
//! | what happened | verdict |
//! |---|---|
//! | no connection, no free stream, connection already going away | never sent |
//! | GOAWAY and our stream is above its last stream id; REFUSED_STREAM | never sent (tried again here, a few times) |
//! | GOAWAY and our stream is at or below it, reset, broken pipe, no answer in time | timed out: unknown |
//! | answer came although our body could not be sent (`InactiveStreamId`) | answered |

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, RwLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use h2::client::SendRequest;
use h2::{Ping, PingPong, Reason};
use metrics::counter;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use types::vendor::Vendor;

use super::super::dialect::{Request, Wire};
use super::dial::Target;
use super::{ANSWER_MAX, CONNECT_TIMEOUT, Route, kept, never_sent, timed_out};
use crate::telemetry;
use crate::world::World;

/// Connections to one vendor for one credential.
const CONNECTIONS_MAX: usize = 8;
/// Streams on one connection, whatever the peer allows.
const STREAMS_MAX: usize = 1_000;
/// Tries of a request that certainly was not processed.
const TRIES: usize = 4;
const BACKOFF_FIRST: Duration = Duration::from_millis(200);
const BACKOFF_MOST: Duration = Duration::from_secs(30);
const PING_EVERY: Duration = Duration::from_secs(60);
const PONG_WITHIN: Duration = Duration::from_secs(10);
/// Unused for so long, a connection is closed (settings may have moved on).
const IDLE_MOST: Duration = Duration::from_secs(2 * 3_600);

/// Every pool, found by the hash of what makes a route.
pub(super) struct Pools {
    world: World,
    pools: RwLock<HashMap<u64, Vec<Arc<Pool>>>>,
}

impl Pools {
    pub(super) fn new(world: World) -> Pools {
        Pools { world, pools: RwLock::default() }
    }

    fn pool(&self, route: &Route) -> Result<Arc<Pool>, String> {
        let mut hasher = xxhash_rust::xxh3::Xxh3Default::new();
        for part in [&route.base_url, route.ca_pem.as_ref().unwrap_or(&String::new()), &route.scope] {
            hasher.update(part.as_bytes());
            hasher.update(&[0]);
        }
        let hash = hasher.digest();
        let find = |pools: &HashMap<u64, Vec<Arc<Pool>>>| pools.get(&hash)?.iter().find(|pool| pool.serves(route)).map(Arc::clone);
        if let Some(pool) = find(&self.pools.read().unwrap_or_else(|e| e.into_inner())) {
            return Ok(pool);
        }
        let fresh = Arc::new(Pool::new(route, self.world.clone())?);
        let mut pools = self.pools.write().unwrap_or_else(|e| e.into_inner());
        if let Some(pool) = find(&pools) {
            return Ok(pool);
        }
        pools.entry(hash).or_default().push(Arc::clone(&fresh));
        Ok(fresh)
    }

    pub(super) async fn send(&self, route: &Route, request: Request, deadline: Instant) -> Wire {
        let pool = match self.pool(route) {
            Ok(pool) => pool,
            Err(words) => return never_sent(words),
        };
        let mut last = "connection going away";
        for _ in 0..TRIES {
            let head = match pool.target.head(&request) {
                Ok(head) => head,
                Err(words) => return never_sent(words),
            };
            let mut permit = match Pool::acquire(&pool, deadline).await {
                Ok(permit) => permit,
                Err(words) => return never_sent(words),
            };
            // Nothing is on the wire before this succeeds.
            let (answer, mut stream) = match permit.sender.send_request(head, request.body.is_empty()) {
                Ok(pair) => pair,
                Err(_) => {
                    permit.retire();
                    continue;
                }
            };
            if !request.body.is_empty() {
                // A peer may answer before it has read the body; then this fails and the answer is still to be read.
                let _ = stream.send_data(request.body.clone(), true);
            }
            match timeout_at(deadline, answer).await {
                Err(_) => {
                    permit.suspect();
                    return timed_out("no answer in time");
                }
                Ok(Err(error)) if refused(&error) => {
                    if error.is_go_away() {
                        permit.retire();
                    } else {
                        last = "stream refused";
                    }
                }
                Ok(Err(error)) => return timed_out(broken(&error)),
                Ok(Ok(response)) => {
                    let status = response.status().as_u16();
                    // A 403 of APNs speaks of the token that proves us, one of FCM of a single device.
                    permit.proven = status != 403 || route.vendor != Vendor::Apns;
                    let headers = kept(response.headers());
                    let body = read(response.into_body(), deadline).await;
                    return Wire::Answered { status, headers, body };
                }
            }
        }
        never_sent(last)
    }
}

/// The peer says it did not and will not process this stream (RFC 9113, 6.8 and 8.7).
fn refused(error: &h2::Error) -> bool {
    // Streams at or below the last stream id of a GOAWAY never get this error: they end with their answer or a broken pipe.
    error.is_remote() && (error.is_go_away() || (error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM)))
}

fn broken(error: &h2::Error) -> &'static str {
    if error.is_reset() {
        "stream reset"
    } else if error.is_go_away() {
        "protocol error"
    } else {
        "connection lost"
    }
}

/// At most [`ANSWER_MAX`] bytes; what came before a break is kept, the status already says what was decided.
async fn read(mut body: h2::RecvStream, deadline: Instant) -> Bytes {
    if body.is_end_stream() {
        return Bytes::new();
    }
    let mut all = BytesMut::new();
    while let Ok(Some(Ok(piece))) = timeout_at(deadline, body.data()).await {
        // Fails only when the stream is over already.
        let _ = body.flow_control().release_capacity(piece.len());
        let room = ANSWER_MAX - all.len();
        all.extend_from_slice(&piece[..piece.len().min(room)]);
        if piece.len() >= room {
            break;
        }
    }
    all.freeze()
}

/// Connections for one (base URL, roots, proxy, scope).
struct Pool {
    route: Route,
    target: Target,
    world: World,
    state: Mutex<State>,
    /// A slot became free, a connection came or went.
    changed: Notify,
}

#[derive(Default)]
struct State {
    slots: Vec<Slot>,
    next_id: u64,
    opening: bool,
    /// Connections opened, or tried, since the last valid answer.
    fruitless: u32,
    retry_at: Option<Instant>,
    last_error: String,
}

struct Slot {
    id: u64,
    sender: SendRequest<Bytes>,
    in_flight: usize,
    limit: usize,
    proven: bool,
    used_at: Instant,
    suspect: Arc<Notify>,
}

impl Pool {
    fn new(route: &Route, world: World) -> Result<Pool, String> {
        let target = Target::new(route)?;
        Ok(Pool { route: route.clone(), target, world, state: Mutex::default(), changed: Notify::new() })
    }

    fn serves(&self, route: &Route) -> bool {
        let own = &self.route;
        own.base_url == route.base_url && own.scope == route.scope && own.ca_pem == route.ca_pem && own.egress_proxy == route.egress_proxy
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// A free stream, waiting for one until the deadline.
    async fn acquire(pool: &Arc<Pool>, deadline: Instant) -> Result<Permit, String> {
        loop {
            // Made before looking, so that a change between look and wait is not missed.
            let changed = pool.changed.notified();
            {
                let mut state = pool.state();
                if let Some(slot) = state.slots.iter_mut().find(|slot| slot.in_flight < slot.limit) {
                    slot.in_flight += 1;
                    return Ok(Permit { pool: Arc::clone(pool), id: slot.id, sender: slot.sender.clone(), proven: false });
                }
                let waiting = state.retry_at.is_some_and(|at| Instant::now() < at);
                if !state.opening && !waiting && state.slots.len() < CONNECTIONS_MAX && state.slots.iter().all(|slot| slot.proven) {
                    state.opening = true;
                    tokio::spawn(Pool::open(Arc::clone(pool)));
                } else if state.slots.is_empty() && !state.opening {
                    return Err(state.last_error.clone());
                }
            }
            tokio::select! {
                () = changed => {}
                () = sleep_until(deadline) => return Err("no free stream in time".to_owned()),
            }
        }
    }

    async fn open(pool: Arc<Pool>) {
        let opened = match timeout(CONNECT_TIMEOUT, pool.target.connect()).await {
            Ok(result) => result,
            Err(_) => Err("no connection in time".to_owned()),
        };
        let vendor = pool.route.vendor.slug();
        let jitter = 0.75 + pool.world.unit() / 2.0;
        let mut state = pool.state();
        state.opening = false;
        let pause = BACKOFF_FIRST.saturating_mul(1 << state.fruitless.min(10)).min(BACKOFF_MOST).mul_f64(jitter);
        state.fruitless += 1;
        state.retry_at = Some(Instant::now() + pause);
        match opened {
            Ok((sender, mut connection)) => {
                counter!(telemetry::VENDOR_CONNECTIONS, "vendor" => vendor, "result" => "opened").increment(1);
                state.last_error = "connection lost".to_owned();
                let id = state.next_id;
                state.next_id += 1;
                let suspect = Arc::new(Notify::new());
                let pings = connection.ping_pong();
                let used_at = Instant::now();
                state.slots.push(Slot { id, sender, in_flight: 0, limit: 1, proven: false, used_at, suspect: Arc::clone(&suspect) });
                let watched = Arc::clone(&pool);
                tokio::spawn(async move {
                    tokio::select! {
                        _ = connection => {}
                        () = watch(&watched, id, pings, &suspect) => {}
                    }
                    watched.forget(id);
                });
            }
            Err(words) => {
                counter!(telemetry::VENDOR_CONNECTIONS, "vendor" => vendor, "result" => "refused").increment(1);
                tracing::warn!(vendor, error = %words, "no connection to the vendor");
                state.last_error = words;
            }
        }
        drop(state);
        pool.changed.notify_waiters();
    }

    fn forget(&self, id: u64) {
        self.state().slots.retain(|slot| slot.id != id);
        self.changed.notify_waiters();
    }

    fn release(&self, id: u64, proven: bool) {
        let mut state = self.state();
        if proven {
            state.fruitless = 0;
            state.retry_at = None;
        }
        let Some(slot) = state.slots.iter_mut().find(|slot| slot.id == id) else { return };
        slot.in_flight = slot.in_flight.saturating_sub(1);
        let before = slot.limit;
        if proven {
            slot.proven = true;
            slot.used_at = Instant::now();
        }
        if slot.proven {
            let peer = slot.sender.current_max_send_streams().min(STREAMS_MAX);
            slot.limit = (peer - peer / 16).max(1);
        }
        let grown = slot.limit > before;
        drop(state);
        if grown {
            self.changed.notify_waiters();
        } else {
            self.changed.notify_one();
        }
    }
}

/// Returns when the connection is to be given up: no pong, or long unused.
async fn watch(pool: &Pool, id: u64, pings: Option<PingPong>, suspect: &Notify) {
    let Some(mut pings) = pings else { return std::future::pending().await };
    loop {
        tokio::select! {
            () = sleep(PING_EVERY) => {}
            () = suspect.notified() => {}
        }
        if !matches!(timeout(PONG_WITHIN, pings.ping(Ping::opaque())).await, Ok(Ok(_))) {
            return;
        }
        if pool.state().slots.iter().any(|s| s.id == id && s.in_flight == 0 && s.used_at.elapsed() > IDLE_MOST) {
            return;
        }
    }
}

/// One stream's place on one connection; given back when dropped.
struct Permit {
    pool: Arc<Pool>,
    id: u64,
    sender: SendRequest<Bytes>,
    proven: bool,
}

impl Permit {
    /// No new streams on this connection; those under way go on.
    fn retire(&self) {
        self.pool.forget(self.id);
    }

    /// Is the peer still there at all? Asked by PING.
    fn suspect(&self) {
        if let Some(slot) = self.pool.state().slots.iter().find(|slot| slot.id == self.id) {
            slot.suspect.notify_one();
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.pool.release(self.id, self.proven);
    }
}
