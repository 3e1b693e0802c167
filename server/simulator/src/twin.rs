//! What every connection shares: clock, chance, accounts, dials, ledger, and each vendor's memory.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, header};
use types::vendor::Vendor;

use crate::accounts::{Account, Accounts};
use crate::dials::{Dials, Garbage, Outage};
use crate::door::{Chance, Clock, mix, unit};
use crate::ledger::Ledger;
use crate::{Trouble, apns, kit, receipts, scripts, xiaomi};

pub(crate) struct Twin {
    pub(crate) clock: Clock,
    pub(crate) chance: Chance,
    seed: u64,
    accounts: RwLock<Arc<Accounts>>,
    /// By [`Vendor::code`].
    dials: [RwLock<Arc<Dials>>; 16],
    pub(crate) ledger: Ledger,
    pub(crate) apns: apns::Memory,
    pub(crate) xiaomi: xiaomi::Memory,
    pub(crate) kit: kit::limits::Memory,
    pub(crate) mail: receipts::Mail,
    pub(crate) scripts: scripts::Scripts,
    requests: AtomicU64,
    /// Connections sent away.
    pub(crate) goaways: AtomicU64,
}

/// What the twin knows of one connection.
#[derive(Default)]
pub(crate) struct Line {
    pub(crate) requests: u32,
    /// A vendor other than APNs was seen: no first-token rule on this connection, and its dials count.
    pub(crate) bulk: Option<Vendor>,
    pub(crate) apns: apns::Session,
}

impl Line {
    /// Whether the connection has earned the full number of streams.
    pub(crate) fn open(&self) -> bool {
        self.bulk.is_some() || self.apns.trusted()
    }
}

/// An answer, how late it goes out, and how the exchange ends.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: Head,
    pub(crate) body: Bytes,
    pub(crate) extra: Vec<(HeaderName, HeaderValue)>,
    /// How often the body is sent one after the other.
    pub(crate) times: u32,
    pub(crate) delay: Duration,
    pub(crate) end: End,
}

pub(crate) enum Head {
    Plain,
    Json,
    Html,
    Apns { id: HeaderValue, unique: Option<HeaderValue> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Answer,
    /// Never answered; the caller has to give up.
    Hang,
    /// The connection is closed; nothing was looked at.
    Close,
    /// The answer breaks off and the connection is closed.
    Cut,
}

impl Reply {
    fn new(status: u16, head: Head, body: Bytes) -> Reply {
        Reply { status, head, body, extra: Vec::new(), times: 1, delay: Duration::ZERO, end: End::Answer }
    }

    pub(crate) fn json(status: u16, body: String) -> Reply {
        Reply::new(status, Head::Json, Bytes::from(body))
    }

    pub(crate) fn png(bytes: Vec<u8>) -> Reply {
        let mut reply = Reply::new(200, Head::Plain, Bytes::from(bytes));
        reply.extra.push((header::CONTENT_TYPE, HeaderValue::from_static("image/png")));
        reply
    }

    pub(crate) fn bare(status: u16) -> Reply {
        Reply::new(status, Head::Plain, Bytes::new())
    }

    pub(crate) fn ending(end: End) -> Reply {
        Reply { end, ..Reply::bare(200) }
    }

    pub(crate) fn html(status: u16, body: &'static str) -> Reply {
        Reply::new(status, Head::Html, Bytes::from_static(body.as_bytes()))
    }

    /// Says when to come back, unless it is 0.
    pub(crate) fn later(mut self, seconds: u32) -> Reply {
        if seconds > 0 {
            self.extra.push((header::RETRY_AFTER, HeaderValue::from(seconds)));
        }
        self
    }

    /// What no vendor should answer.
    pub(crate) fn garbage(status: u16, garbage: Garbage, vendor: Vendor) -> Reply {
        match garbage {
            Garbage::GzipBomb => {
                let mut reply = Reply::new(status, Head::Json, gzip_bomb());
                reply.extra.push((header::CONTENT_ENCODING, HeaderValue::from_static("gzip")));
                reply
            }
            Garbage::Huge => Reply { times: HUGE_MIB, ..Reply::new(status, Head::Json, Bytes::from_static(&MIB)) },
            garbage => Reply::html(status, garbage.body(vendor)),
        }
    }
}

/// 100 MiB, in a reply and unpacked from the bomb.
const HUGE_MIB: u32 = 100;
static MIB: [u8; 1 << 20] = [b' '; 1 << 20];

/// One member with a hundred times the same packed mebibyte: after a full flush the same bytes may follow again.
fn gzip_bomb() -> Bytes {
    static BOMB: OnceLock<Bytes> = OnceLock::new();
    let build = || {
        const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
        const LAST_BLOCK: [u8; 2] = [3, 0];
        let mut packer = flate2::Compress::new(flate2::Compression::best(), false);
        let mut packed = Vec::with_capacity(64 * 1024);
        let mut one = flate2::Crc::new();
        one.update(&MIB);
        let mut all = flate2::Crc::new();
        if packer.compress_vec(&MIB, &mut packed, flate2::FlushCompress::Full).is_err() {
            return Bytes::new();
        }
        for _ in 0..HUGE_MIB {
            all.combine(&one);
        }
        let size = (HUGE_MIB << 20).to_le_bytes();
        Bytes::from([&HEAD[..], &packed.repeat(HUGE_MIB as usize), &LAST_BLOCK, &all.sum().to_le_bytes(), &size].concat())
    };
    BOMB.get_or_init(build).clone()
}

/// What the dials decide for one request before it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Plain,
    /// Refused with the dial's error.
    Error,
    /// Looked at and, if it is in order, taken; then the answer is cut.
    Cut,
    /// The same, then garbage.
    Garbage,
}

impl Twin {
    pub(crate) fn new(seed: u64, ledger: Ledger) -> Twin {
        Twin {
            clock: Clock::start(),
            chance: Chance::seeded(seed),
            seed,
            accounts: RwLock::default(),
            dials: Default::default(),
            ledger,
            apns: apns::Memory::default(),
            xiaomi: xiaomi::Memory::default(),
            kit: kit::limits::Memory::default(),
            mail: receipts::Mail::default(),
            scripts: scripts::Scripts::default(),
            requests: AtomicU64::new(1),
            goaways: AtomicU64::new(0),
        }
    }

    pub(crate) fn accounts(&self) -> Arc<Accounts> {
        Arc::clone(&self.accounts.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn add_account(&self, account: Account) -> Result<(), Trouble> {
        self.change_accounts(|accounts| accounts.add(account))
    }

    pub(crate) fn remove_account(&self, vendor: Vendor, identity: &str) -> Result<bool, Trouble> {
        self.change_accounts(|accounts| accounts.remove(vendor, identity))
    }

    fn change_accounts<T>(&self, change: impl FnOnce(&mut Accounts) -> Result<T, Trouble>) -> Result<T, Trouble> {
        let mut held = self.accounts.write().unwrap_or_else(PoisonError::into_inner);
        let mut next = Accounts::clone(&held);
        let done = change(&mut next)?;
        *held = Arc::new(next);
        // A verified JWT of an account that has changed must be verified anew.
        self.apns.forget_tokens();
        Ok(done)
    }

    fn dial_cell(&self, vendor: Vendor) -> &RwLock<Arc<Dials>> {
        &self.dials[(vendor.code() & 15) as usize]
    }

    pub(crate) fn dials(&self, vendor: Vendor) -> Arc<Dials> {
        Arc::clone(&self.dial_cell(vendor).read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set_dials(&self, vendor: Vendor, dials: Dials) -> Result<(), Trouble> {
        let complaints = dials.complaints(vendor);
        if !complaints.is_empty() {
            return Err(Trouble::Dials(complaints.join("; ")));
        }
        *self.dial_cell(vendor).write().unwrap_or_else(PoisonError::into_inner) = Arc::new(dials);
        Ok(())
    }

    /// A number nobody else has, one per request.
    pub(crate) fn request_number(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed)
    }

    /// Whether `token` belongs to the `share` of tokens that `salt` names; the same answer every time.
    pub(crate) fn belongs(&self, share: f64, token: u64, salt: u64) -> bool {
        share > 0.0 && unit(mix(token ^ mix(salt ^ self.seed))) < share
    }

    /// The end that the dials force on a request before anybody looks at it.
    pub(crate) fn closed_door(&self, dials: &Dials) -> Option<Reply> {
        match dials.outage {
            Outage::Hang => return Some(Reply::ending(End::Hang)),
            Outage::Refuse => return Some(Reply::ending(End::Close)),
            Outage::None | Outage::Error => {}
        }
        self.chance.hits(dials.reset_share).then(|| Reply::ending(End::Close))
    }

    /// A front end that refuses before the vendor has seen anything.
    pub(crate) fn http_error(&self, dials: &Dials, vendor: Vendor) -> Option<Reply> {
        if !self.chance.hits(dials.http_share) {
            return None;
        }
        self.ledger.refuse(vendor, &format!("http {}", dials.http_status));
        Some(Reply::html(dials.http_status, "<html><body><h1>Not now</h1></body></html>").later(dials.retry_after_s))
    }

    pub(crate) fn fate(&self, dials: &Dials) -> Fate {
        if self.chance.hits(dials.error_share) {
            Fate::Error
        } else if self.chance.hits(dials.cut_share) {
            Fate::Cut
        } else if self.chance.hits(dials.garbage_share) {
            Fate::Garbage
        } else {
            Fate::Plain
        }
    }

    /// Latency of one answer.
    pub(crate) fn delay(&self, dials: &Dials) -> Duration {
        let mut millis = u64::from(dials.latency_ms);
        if dials.jitter_ms > 0 {
            millis += self.chance.up_to(u64::from(dials.jitter_ms));
        }
        if self.chance.hits(dials.slow_share) {
            millis += u64::from(dials.slow_ms);
        }
        Duration::from_millis(millis)
    }

    /// Empties ledger, quotas, windows and undelivered receipts; accounts and dials stay.
    pub(crate) fn reset(&self) -> std::io::Result<()> {
        self.apns.reset();
        self.xiaomi.reset();
        self.kit.reset();
        self.mail.reset();
        self.ledger.reset()
    }
}
