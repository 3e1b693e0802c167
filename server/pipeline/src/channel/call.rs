//! One vendor request with all it needs: a pass, materials the vendor keeps, one renewal of either; its token last of all.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use types::Millis;
use types::failure::FailureClass;
use types::vendor::Vendor;

use super::lanes::{LaneConfig, Opened};
use super::step::{Tools, limit_key};
use crate::coordination::Permit;
use crate::storage::materials::Material;
use crate::vendors::dialect::{
    Batch, Dialect, DialectError, Failure, Issued, Judgement, NotPrepared, Paced, Preparation, Prepared, Request, Verdict, What, Wire,
};
use crate::vendors::pass::{Exchanger, PassError};
use crate::vendors::registry;
use crate::vendors::transport::{Route, spoken};

/// Why a content cannot be said in a vendor's language: field and reason.
#[derive(Debug)]
pub struct Unsayable(pub String);

/// Materials end this much earlier with us than with the vendor.
const MATERIAL_SPARE_MS: i64 = 60_000;
/// More materials than any vendor needs for one content.
const MATERIALS_MAX: usize = 8;

/// Longest wait for the token of a request that is no send.
const TOKEN_PATIENCE: Duration = Duration::from_secs(5);

/// Why the batch was not sent.
enum Stuck {
    Unsayable(Unsayable),
    Failed(NotPrepared),
}

/// What stands ready for a content before its first batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ready {
    pub materials: usize,
    /// Good until then; `None` = nothing was needed.
    pub ends_at: Option<Millis>,
    /// Why the picture is left out, if it is.
    pub left_out: Option<String>,
}

/// Lets one request go, each time right before it goes.
pub trait Leave: Sync {
    /// Why it may not.
    type Held: Send;

    fn leave(&self) -> impl Future<Output = Result<Permit, Self::Held>> + Send;
}

/// What became of one request.
pub type Said = Result<Judgement, Unsayable>;

/// Fetches the lane's pass if there is none at hand. What goes wrong here, the first call tells.
pub async fn ready(tools: &Tools, config: &LaneConfig, opened: &Opened) {
    // Its message is nobody's: a pass belongs to the lane.
    let desk = Desk { tools, config, opened, message_no: 0, dialect: registry::dialect(config.lane.vendor) };
    drop(desk.pass().await);
}

/// Asks the vendor once; a refused pass or a forgotten material is renewed and the same asked again, once. `token` is asked
/// for each time right before the request goes.
///
/// # Errors
/// What `token` says: then nothing was sent.
pub async fn call<L: Leave>(
    tools: &Tools,
    config: &LaneConfig,
    opened: &Opened,
    message_no: i64,
    batch: Batch<'_>,
    token: &L,
) -> Result<Said, L::Held> {
    let desk = Desk { tools, config, opened, message_no, dialect: registry::dialect(config.lane.vendor) };
    let n = batch.tokens.len();
    let refuse = |failure| Ok(Ok(Judgement::all(n, Verdict::Failed(failure))));
    let mut renewed = (false, false);
    let mut pass = match desk.pass().await {
        Ok(pass) => pass,
        Err(failure) => return refuse(failure),
    };
    loop {
        let prepared = match desk.prepared(&batch, &mut pass, &mut renewed.0, false).await {
            Ok((prepared, _)) => prepared,
            Err(Stuck::Unsayable(words)) => return Ok(Err(words)),
            Err(Stuck::Failed(not)) => return refuse(unsent(not.failure)),
        };
        let batch = Batch { prepared: &prepared, ..batch.clone() };
        let unsaid = |error| match error {
            DialectError::Content { field, reason } => Ok(Err(Unsayable(format!("{field}: {reason}")))),
            error => refuse(never_sent(FailureClass::Auth, &error.to_string())),
        };
        let permit = token.leave().await?;
        let asked = desk.ask(&batch, &pass).await;
        desk.answered(permit);
        let wire = match asked {
            Ok(wire) => wire,
            Err(error) => return unsaid(error),
        };
        let mut judged = desk.dialect.judge(&batch, &wire);
        if let Some(route) = judged.redirect.as_deref().and_then(|to| desk.redirected(to)) {
            let permit = token.leave().await?;
            let wire = match desk.dialect.build(&Batch { base_url: &route.base_url, ..batch.clone() }, &opened.credential, &pass) {
                Ok(request) => {
                    // The whole address is named, or only what stands before the path.
                    let base_url = route.base_url.strip_suffix(request.path.as_str()).unwrap_or(&route.base_url).to_owned();
                    tools.transport.send(&Route { base_url, ..route }, request).await
                }
                Err(error) => return unsaid(error),
            };
            desk.answered(permit);
            judged = desk.dialect.judge(&batch, &wire);
        }
        let known = !matches!(wire, Wire::TimedOut { .. });
        if judged.renew_pass && !renewed.0 && known {
            renewed.0 = true;
            match desk.renew(&mut pass).await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(failure) => tracing::warn!(lane = config.lane.no, words = failure.words, "the refused pass could not be renewed"),
            }
        }
        if judged.renew_prepared && !renewed.1 && known {
            renewed.1 = true;
            for key in prepared.ids.keys() {
                tools.materials.forget(&tools.storage, config.lane.no, key).await;
            }
            continue;
        }
        return Ok(Ok(judged));
    }
}

/// Does for a content what can be done before its first batch. `pictures_only` = its texts differ from one recipient to the next.
///
/// # Errors
/// The vendor's refusal, or what cannot be said in its language.
pub async fn prepare_ahead(
    tools: &Tools,
    config: &LaneConfig,
    opened: &Opened,
    message_no: i64,
    batch: &Batch<'_>,
    pictures_only: bool,
) -> Result<Ready, Failure> {
    let desk = Desk { tools, config, opened, message_no, dialect: registry::dialect(config.lane.vendor) };
    let mut pass = desk.pass().await?;
    match desk.prepared(batch, &mut pass, &mut false, pictures_only).await {
        Ok((prepared, ends_at)) => Ok(Ready { materials: prepared.ids.len(), ends_at, left_out: prepared.left_out.into_values().next() }),
        Err(Stuck::Unsayable(words)) => Err(Failure::new(FailureClass::BadContent, words.0)),
        Err(Stuck::Failed(not)) => Err(not.failure),
    }
}

struct Desk<'a> {
    tools: &'a Tools,
    config: &'a LaneConfig,
    opened: &'a Opened,
    message_no: i64,
    dialect: &'static dyn Dialect,
}

impl Desk<'_> {
    fn answered(&self, permit: Permit) {
        self.tools.coordination.limiter.answered(&limit_key(self.config.lane.no), permit);
    }

    /// Waits for the token of a request that is no send, if it can be had soon.
    async fn pay(&self, key: &str) -> Option<Permit> {
        let rate = f64::from(self.config.lane.settings.pace_per_second.max(1));
        let limit = tokio::time::Instant::now() + TOKEN_PATIENCE;
        loop {
            let wait = match self.tools.coordination.limiter.take(key, rate, 1).await {
                Ok(permit) => return Some(permit),
                Err(wait) => wait,
            };
            if tokio::time::Instant::now() + wait > limit {
                return None;
            }
            tokio::time::sleep(wait).await;
        }
    }

    async fn pass(&self) -> Result<Arc<str>, Failure> {
        self.tools.passes.get(&self.opened.plan, self.config.app.environment, self).await.map_err(unpassed)
    }

    /// A fresh pass instead of the refused one; `false` = there is no other.
    async fn renew(&self, pass: &mut Arc<str>) -> Result<bool, Failure> {
        let fresh = self.tools.passes.renew(&self.opened.plan, self.config.app.environment, pass, self).await.map_err(unpassed)?;
        let other = fresh != *pass;
        *pass = fresh;
        Ok(other)
    }

    /// The way a vendor's redirect names: to one of its own hosts, or to the lane's.
    fn redirected(&self, to: &str) -> Option<Route> {
        let way = &self.opened.ways.first()?.1;
        let host =
            |url: &str| url.parse::<http::Uri>().ok().filter(|uri| uri.scheme_str() == Some("https"))?.host().map(str::to_ascii_lowercase);
        let named = host(to)?;
        (self.dialect.may_redirect(&named) || host(&way.base_url) == Some(named)).then(|| Route { base_url: spoken(to), ..way.clone() })
    }

    /// The batch itself; said anew for each way, for some vendors sign the address it is sent to.
    async fn ask(&self, batch: &Batch<'_>, pass: &str) -> Result<Wire, DialectError> {
        self.send(|base_url| self.dialect.build(&Batch { base_url, ..batch.clone() }, &self.opened.credential, pass)).await
    }

    /// By one of the lane's ways out; what certainly never left takes the next way at once.
    async fn send(&self, request: impl Fn(&str) -> Result<Request, DialectError>) -> Result<Wire, DialectError> {
        let ways = &self.opened.ways;
        if let [(_, only)] = ways.as_slice() {
            return Ok(self.tools.transport.send(only, request(&only.base_url)?).await);
        }
        let (egresses, lane_no) = (&self.tools.egresses, self.config.lane.no);
        let shares: Vec<u32> = ways.iter().map(|(share, _)| *share).collect();
        let mut tried = Vec::new();
        let mut last = Wire::NeverSent { words: "no way out".to_owned() };
        while let Some(i) = egresses.pick(lane_no, &shares, &tried, self.tools.world.now(), self.tools.world.unit()) {
            let wire = self.tools.transport.send(&ways[i].1, request(&ways[i].1.base_url)?).await;
            let reached = !matches!(wire, Wire::NeverSent { .. });
            egresses.note(lane_no, ways.len(), i, reached, self.tools.world.now());
            if reached {
                return Ok(wire);
            }
            tried.push(i);
            last = wire;
        }
        Ok(last)
    }

    /// Everything the vendor must hold before the batch can be built, with a refused pass renewed once; and until when it holds it.
    async fn prepared(
        &self,
        batch: &Batch<'_>,
        pass: &mut Arc<str>,
        renewed: &mut bool,
        pictures_only: bool,
    ) -> Result<(Prepared, Option<Millis>), Stuck> {
        loop {
            match self.prepare(batch, pass, pictures_only).await {
                Err(Stuck::Failed(NotPrepared { renew_pass: true, failure })) if !*renewed => {
                    *renewed = true;
                    match self.renew(pass).await {
                        Ok(true) => {}
                        Ok(false) => return Err(Stuck::Failed(not_prepared(failure))),
                        Err(failure) => return Err(Stuck::Failed(not_prepared(failure))),
                    }
                }
                done => return done,
            }
        }
    }

    async fn prepare(&self, batch: &Batch<'_>, pass: &str, pictures_only: bool) -> Result<(Prepared, Option<Millis>), Stuck> {
        let (mut prepared, mut ends_at) = (Prepared::default(), None::<Millis>);
        for _ in 0..MATERIALS_MAX {
            let asking = Batch { prepared: &prepared, ..batch.clone() };
            let wanted = match self.dialect.prepare(&asking, &self.opened.credential, pass) {
                Ok(None) => return Ok((prepared, ends_at)),
                Ok(Some(wanted)) => wanted,
                Err(DialectError::Content { field, reason }) => return Err(Stuck::Unsayable(Unsayable(format!("{field}: {reason}")))),
                Err(error) => return Err(Stuck::Failed(not_prepared(never_sent(FailureClass::Auth, &error.to_string())))),
            };
            if pictures_only && matches!(wanted.what, What::Say(_)) {
                return Ok((prepared, ends_at));
            }
            let key = wanted.key.clone();
            match self.material(wanted, pass).await.map_err(Stuck::Failed)? {
                Made::Id(id, end) => {
                    ends_at = Some(ends_at.map_or(end, |known| known.min(end)));
                    prepared.ids.insert(key, id);
                }
                Made::LeftOut(words) => drop(prepared.left_out.insert(key, words)),
            }
        }
        Err(Stuck::Failed(not_prepared(Failure::new(FailureClass::Unknown, "a content that needs ever more materials"))))
    }

    /// The vendor's id of one material: kept, or made now, by one for all. A picture that cannot be had or is not taken is left out;
    /// what it tells of the credential stays a failure.
    async fn material(&self, wanted: Preparation, pass: &str) -> Result<Made, NotPrepared> {
        let tools = self.tools;
        let (lane_no, now) = (self.config.lane.no, tools.world.now());
        let desk = tools.materials.desk(lane_no, &wanted.key);
        let _held = desk.lock().await;
        if let Some((id, ends_at)) = tools.materials.known(&tools.storage, lane_no, &wanted.key, now).await {
            return Ok(Made::Id(id, ends_at));
        }
        if let Some(words) = tools.materials.left_out(lane_no, &wanted.key, now) {
            return Ok(Made::LeftOut(words));
        }
        let limit = match wanted.paced {
            Paced::WithSends => Some(limit_key(lane_no)),
            Paced::Apart => Some(format!("{}/{}", limit_key(lane_no), wanted.kind)),
            Paced::Not => None,
        };
        let permit = match &limit {
            None => None,
            Some(key) => match self.pay(key).await {
                Some(permit) => Some((key, permit)),
                None => return Err(not_prepared(never_sent(FailureClass::RateLimited, "the lane's own pace leaves no room for it"))),
            },
        };
        let picture = matches!(wanted.what, What::Upload(_));
        let read = match self.bring(wanted.what, pass, now).await {
            Ok(wire) => self.dialect.read_prepared(wanted.kind, &wire, now),
            Err(words) => Err(not_prepared(Failure::new(FailureClass::BadContent, words))),
        };
        if let Some((key, permit)) = permit {
            tools.coordination.limiter.answered(key, permit);
        }
        let ends_at = now + (wanted.lives - MATERIAL_SPARE_MS).max(wanted.lives / 2);
        let (vendor_id, words) = match &read {
            Ok(id) => (Some(id.clone()), String::new()),
            Err(error) => (None, error.failure.words.clone()),
        };
        let (message_no, key) = (self.message_no, wanted.key);
        let kept =
            Material { lane_no, key: key.clone(), kind: wanted.kind.to_owned(), message_no, vendor_id, words, made_at: now, ends_at };
        tools.materials.keep(&tools.storage, kept).await;
        match read {
            Ok(id) => Ok(Made::Id(id, ends_at)),
            Err(not) if picture && not.failure.class != FailureClass::Auth => {
                tracing::warn!(lane = lane_no, words = not.failure.words, "a message goes without its picture");
                tools.materials.leave_out(lane_no, &key, &not.failure.words, now);
                Ok(Made::LeftOut(not.failure.words))
            }
            Err(not) => Err(not),
        }
    }

    /// Says a content or uploads a picture.
    async fn bring(&self, what: What, pass: &str, now: Millis) -> Result<Wire, String> {
        let (tools, ca_pem) = (self.tools, self.config.lane.settings.ca_pem.as_deref());
        let url = match what {
            What::Say(request) => return self.send(|_| Ok(request.clone())).await.map_err(|error| error.to_string()),
            What::Upload(url) => url,
        };
        let picture = tools.pictures.get(&tools.transport, &url, ca_pem, now).await?;
        let request = self.dialect.upload(&url, &picture, &self.opened.credential, pass)?;
        match &self.opened.media_route {
            Some(route) => Ok(tools.transport.send(route, request).await),
            None => self.send(|_| Ok(request.clone())).await.map_err(|error| error.to_string()),
        }
    }
}

/// What became of a wish for a material.
enum Made {
    /// The vendor's id, and when it ends.
    Id(String, Millis),
    LeftOut(String),
}

#[async_trait]
impl Exchanger for Desk<'_> {
    async fn exchange(&self) -> Result<Issued, Failure> {
        let now = self.tools.world.now();
        let request =
            self.dialect.exchange(&self.opened.credential, now).map_err(|error| never_sent(FailureClass::Auth, &error.to_string()))?;
        let wire = self.tools.transport.send(&self.opened.pass_route, request).await;
        let read = self.dialect.read_exchange(&wire, now);
        let vendor: Vendor = self.config.lane.vendor;
        let result = if read.is_ok() { "issued" } else { "refused" };
        metrics::counter!(crate::telemetry::PASS_EXCHANGES, "vendor" => vendor.slug(), "result" => result).increment(1);
        read
    }
}

fn not_prepared(failure: Failure) -> NotPrepared {
    NotPrepared { failure, renew_pass: false }
}

fn never_sent(class: FailureClass, words: &str) -> Failure {
    Failure { never_sent: true, ..Failure::new(class, words) }
}

/// The message itself has not left: safe to repeat, unless the content or the token was refused for good.
fn unsent(failure: Failure) -> Failure {
    let for_good = matches!(failure.class, FailureClass::BadContent | FailureClass::InvalidToken);
    Failure { never_sent: !for_good, ..failure }
}

fn unpassed(error: PassError) -> Failure {
    match error {
        PassError::Refused(failure) => Failure { never_sent: true, ..failure },
        other => never_sent(FailureClass::Auth, &other.to_string()),
    }
}
