//! What every vendor's folder gives: pure functions from bytes to bytes. No socket, clock or storage.

use std::collections::BTreeMap;

use bytes::Bytes;
use types::Millis;
use types::content::{Content, MessageClass};
use types::failure::FailureClass;
use types::receipt::ReceiptKind;
use types::vendor::{Environment, Vendor};

use super::picture::Picture;

/// One vendor request's worth: one rendered content to 1 ..= batch recipients.
#[derive(Clone, Debug)]
pub struct Batch<'a> {
    pub environment: Environment,
    /// The lane's base URL as requests will really use it, without a slash at its end: some vendors sign it.
    pub base_url: &'a str,
    pub class: MessageClass,
    /// Already rendered: no variables left.
    pub content: &'a Content,
    /// Title when the content has none.
    pub default_title: &'a str,
    /// Our message id, as text (goes to the client for its report).
    pub message: &'a str,
    /// Stable over every repeat of the same showing: jobkey, collapse id, notify id are derived from it. `[0-9a-z]{20}`.
    pub show_key: &'a str,
    /// That by which the vendor drops a repeat of the same request: the showing's key, but for a recall.
    pub once_key: &'a str,
    /// These recipients' earlier push is taken back. Where the vendor withdraws by the id of the request, this is that id; else it is
    /// empty, and the content overwrites what is shown under `show_key`.
    pub recall: Option<&'a str>,
    /// One trace id per recipient (a UUID in canonical form), stable over repeats.
    pub traces: &'a [String],
    pub tokens: &'a [&'a str],
    pub now: Millis,
    pub deadline: Millis,
    /// Where receipts are to be posted, when the vendor takes that per message.
    pub callback: Option<&'a CallbackTarget>,
    /// A test send: marked where the vendor has a mode for it.
    pub test: bool,
    /// What the vendor already holds of this content (see [`Dialect::prepare`]).
    pub prepared: &'a Prepared,
    /// The vendor's batch interface is limited: what it needs must not be used.
    pub singly: bool,
}

/// Materials a vendor keeps for us, by the key under which [`Dialect::prepare`] asked for them: saved contents, pictures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prepared {
    pub ids: BTreeMap<String, String>,
    /// Pictures the message goes without, by the same keys, with the reason.
    pub left_out: BTreeMap<String, String>,
}

impl Prepared {
    pub fn get(&self, key: &str) -> Option<&str> {
        self.ids.get(key).map(String::as_str)
    }
}

/// A request that must be answered before the batch can be said: its answer is an id, good for many batches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preparation {
    /// `content` or `image`: what the console calls it.
    pub kind: &'static str,
    /// Digest of all that the material is made of; equal key, equal material.
    pub key: String,
    pub what: What,
    /// How long the vendor keeps it, in milliseconds; ours ends a little earlier.
    pub lives: Millis,
    pub paced: Paced,
}

/// Whose limit a request that is no send comes under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paced {
    /// The vendor counts it with the sends.
    WithSends,
    /// The interface has a limit of its own, like that of sends.
    Apart,
    /// There are few, and no limit is known.
    Not,
}

/// How a material comes to the vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    Say(Request),
    /// The picture at this address, by [`Dialect::upload`]. A message can go without it, never without the rest.
    Upload(String),
}

/// An access token from an exchange.
#[derive(Clone, PartialEq, Eq)]
pub struct Issued {
    /// As [`Dialect::build`] wants it.
    pub pass: String,
    /// From now, in milliseconds.
    pub lives: Millis,
}

impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Issued(… for {} ms)", self.lives)
    }
}

/// Receipt address and the MAC we expect back in the vendor's free parameter.
#[derive(Clone, Debug)]
pub struct CallbackTarget {
    pub url: String,
    pub parameter: String,
}

/// A vendor credential, opened: field name -> value, as declared in `types::vendor`.
#[derive(Clone)]
pub struct Credential {
    pub fields: BTreeMap<String, String>,
}

impl Credential {
    pub fn get(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credential({} fields)", self.fields.len())
    }
}

/// A request to be sent as it is; `path` starts with `/` and is put behind the lane's base URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub method: http::Method,
    pub path: String,
    /// Lower-case names, in order.
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
}

/// What came back from the wire.
#[derive(Clone, Debug)]
pub enum Wire {
    /// The body is cut at the transport's cap.
    Answered { status: u16, headers: Vec<(String, String)>, body: Bytes },
    /// The request left, no answer came: the outcome is unknown.
    TimedOut { words: String },
    /// No byte of the request left us: safe to repeat.
    NeverSent { words: String },
}

/// What the vendor said of one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Accepted,
    Failed(Failure),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub class: FailureClass,
    /// The vendor's own code and words, stable and short (no ids, no counts): `21301 auth failed`.
    pub words: String,
    /// The vendor's wish, already in milliseconds from now.
    pub retry_after: Option<Millis>,
    /// The request certainly did not reach the vendor: safe to repeat whatever the class says.
    pub never_sent: bool,
    /// Epoch ms from which the vendor knows the token to be dead; a later registration wins.
    pub dead_since: Option<Millis>,
    /// The vendor speaks of this device alone: the lane goes on as it is.
    pub device_only: bool,
    /// Only the batch interface is limited: until `retry_after` (or the next Beijing midnight) the lane sends singly.
    pub batch_only: bool,
}

impl Failure {
    pub fn new(class: FailureClass, words: impl Into<String>) -> Failure {
        Failure {
            class,
            words: words.into(),
            retry_after: None,
            never_sent: false,
            dead_since: None,
            device_only: false,
            batch_only: false,
        }
    }
}

/// Everything read from one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// As many as the batch has recipients, in its order.
    pub verdicts: Vec<Verdict>,
    /// The vendor's id of this request, by which receipts will name it.
    pub reference: Option<String>,
    /// The credential (signed token) should be renewed once before a repeat.
    pub renew_pass: bool,
    /// The vendor no longer knows a prepared material: prepare again, once.
    pub renew_prepared: bool,
    /// Old token -> new token, when the answer says so.
    pub replaced: Vec<(String, String)>,
    /// The vendor asks to repeat the request at this address (scheme, host and prefix), once; [`Dialect::may_redirect`] says whether
    /// it is one of its own.
    pub redirect: Option<String>,
    /// Single tokens made the vendor refuse the whole batch and nobody got it: ask again in halves. Of a batch of one the
    /// verdict stands.
    pub split: bool,
}

impl Judgement {
    pub fn all(n: usize, verdict: Verdict) -> Judgement {
        Judgement {
            verdicts: vec![verdict; n],
            reference: None,
            renew_pass: false,
            renew_prepared: false,
            replaced: Vec::new(),
            redirect: None,
            split: false,
        }
    }
}

/// A raw callback as it reached us.
#[derive(Clone, Debug)]
pub struct Callback<'a> {
    pub content_type: &'a str,
    pub query: &'a str,
    /// Value of the header this vendor signs with ([`Dialect::signature_header`]), or empty.
    pub signature: &'a str,
    pub body: &'a [u8],
}

/// What is left of a callback in which every line carries its own signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// The lines that hold, in their order.
    pub body: Vec<u8>,
    /// How many do not.
    pub refused: u32,
}

/// What a vendor expects in answer to a callback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackReply {
    pub content_type: &'static str,
    pub body: String,
}

/// One receipt, normalised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VendorReceipt {
    /// The vendor's request id, as in [`Judgement::reference`].
    pub reference: String,
    pub token: String,
    pub kind: ReceiptKind,
    /// When it happened, by the vendor's clock.
    pub at: Option<Millis>,
    /// The MAC parameter we had sent along, to be checked by the caller; empty where [`Dialect::proven`] speaks instead.
    pub parameter: String,
    /// The vendor's own code and words.
    pub words: String,
    /// The token this one was replaced by, when the vendor says so.
    pub replaced_by: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DialectError {
    /// This content cannot be said in this vendor's language.
    #[error("{field}: {reason}")]
    Content { field: &'static str, reason: String },
    /// The credential cannot be used (a p8 that is no key, say).
    #[error("credential field {field}: {reason}")]
    Credential { field: &'static str, reason: String },
    /// The callback cannot be read.
    #[error("receipt: {0}")]
    Receipt(String),
}

/// One vendor's language.
pub trait Dialect: Send + Sync {
    fn vendor(&self) -> Vendor;

    /// What the pass for this credential is made of; `pass::Passes` makes, keeps and renews it.
    fn pass_plan(&self, credential: &Credential) -> Result<PassPlan, DialectError>;

    /// `pass` is the header value or secret that `pass_plan` led to.
    fn build(&self, batch: &Batch<'_>, credential: &Credential, pass: &str) -> Result<Request, DialectError>;

    fn judge(&self, batch: &Batch<'_>, wire: &Wire) -> Judgement;

    /// Whether requests may follow the vendor's word to this host.
    fn may_redirect(&self, _host: &str) -> bool {
        false
    }

    /// The request that fetches an access token, for [`PassPlan::Exchange`]; `path` goes behind the vendor's pass host.
    fn exchange(&self, _credential: &Credential, _now: Millis) -> Result<Request, DialectError> {
        Err(DialectError::Credential { field: "credential", reason: "this vendor issues no access tokens".to_owned() })
    }

    /// What the exchange brought.
    ///
    /// # Errors
    /// The vendor's refusal as a failure: auth pauses the lane, the rest is tried again.
    fn read_exchange(&self, _wire: &Wire, _now: Millis) -> Result<Issued, Failure> {
        Err(Failure::new(FailureClass::Unknown, "this vendor issues no access tokens"))
    }

    /// What must be at the vendor before this batch can be built, one thing at a time; `None` = nothing is missing in
    /// `batch.prepared`.
    fn prepare(&self, _batch: &Batch<'_>, _credential: &Credential, _pass: &str) -> Result<Option<Preparation>, DialectError> {
        Ok(None)
    }

    /// Is anything of [`Dialect::prepare`] the same for all batches of a content, so that it can be done before the first one?
    fn prepares_ahead(&self) -> bool {
        false
    }

    /// The request that brings a fetched picture to the vendor.
    ///
    /// # Errors
    /// Why this vendor does not take such a picture, with its bounds: the message goes without it.
    fn upload(&self, _url: &str, _picture: &Picture, _credential: &Credential, _pass: &str) -> Result<Request, String> {
        Err("this vendor takes no pictures".to_owned())
    }

    /// The vendor's id of the material.
    ///
    /// # Errors
    /// The refusal; a refused content is `BadContent`; `now` is for quotas that return by the clock. With `renew_pass` words as in [`Dialect::judge`]: see [`NotPrepared`].
    fn read_prepared(&self, _kind: &str, _wire: &Wire, _now: Millis) -> Result<String, NotPrepared> {
        Err(NotPrepared { failure: Failure::new(FailureClass::Unknown, "this vendor keeps no materials"), renew_pass: false })
    }

    fn read_receipts(&self, callback: &Callback<'_>) -> Result<Vec<VendorReceipt>, DialectError>;

    /// Lower-case name of the header the vendor signs callbacks with; kept with the raw body.
    fn signature_header(&self) -> Option<&'static str> {
        None
    }

    /// Does the signature hold? Vendors that sign nothing are believed by the secret path and our MAC alone.
    ///
    /// # Errors
    /// Why it is not believed.
    fn genuine(&self, _callback: &Callback<'_>, _credential: &Credential, _received_at: Millis) -> Result<(), String> {
        Ok(())
    }

    /// Vendors that sign every receipt by itself and bring back no word of ours: the lines whose signature holds. Their
    /// receipts find their message by the request id alone. `None` = not such a vendor, see [`Dialect::genuine`].
    fn proven(&self, _callback: &Callback<'_>, _credential: &Credential) -> Option<Proven> {
        None
    }

    /// What to answer a callback; `None` = this vendor calls nobody back.
    fn callback_reply(&self, callback: &Callback<'_>) -> Option<CallbackReply>;

    /// Is this the form of the vendor's tokens?
    fn token_is_plausible(&self, token: &str) -> bool;
}

/// Why a material is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotPrepared {
    pub failure: Failure,
    /// The access token should be renewed once before a repeat.
    pub renew_pass: bool,
}

/// How authority is come by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PassPlan {
    /// A value that never changes.
    Static(String),
    /// An ES256 provider token, signed here: at most once per 20 minutes, at least once per 60 (apns.md, 1).
    Es256 { team_id: String, key_id: String, pkcs8_der: Vec<u8> },
    /// A PS256 JWT, signed here, itself the bearer (huawei.md, 1, v3): one hour.
    Ps256 { issuer: String, key_id: String, audience: String, pkcs8_der: Vec<u8> },
    /// An access token fetched by [`Dialect::exchange`]. `identity` tells credentials apart: a changed secret is a new one.
    Exchange { identity: String },
}
