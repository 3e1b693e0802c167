//! One vendor request with all it needs: a pass, materials the vendor keeps, one renewal of either.

use async_trait::async_trait;
use types::failure::FailureClass;
use types::vendor::Vendor;

use super::lanes::{LaneConfig, Opened};
use super::step::Tools;
use crate::storage::materials::Material;
use crate::vendors::dialect::{
    Batch, Dialect, DialectError, Failure, Issued, Judgement, NotPrepared, Preparation, Prepared, Request, Verdict, Wire,
};
use crate::vendors::pass::{Exchanger, PassError};
use crate::vendors::registry;

/// Why a content cannot be said in a vendor's language: field and reason.
#[derive(Debug)]
pub struct Unsayable(pub String);

/// Materials end this much earlier with us than with the vendor.
const MATERIAL_SPARE_MS: i64 = 60_000;
/// More materials than any vendor needs for one content.
const MATERIALS_MAX: usize = 8;

/// Why the batch was not sent.
enum Stuck {
    Unsayable(Unsayable),
    Failed(NotPrepared),
}

/// Asks the vendor once; a refused pass or a forgotten material is renewed and the same asked again, once.
pub async fn call(tools: &Tools, config: &LaneConfig, opened: &Opened, message_no: i64, batch: Batch<'_>) -> Result<Judgement, Unsayable> {
    let desk = Desk { tools, config, opened, message_no, dialect: registry::dialect(config.lane.vendor) };
    let n = batch.tokens.len();
    let refuse = |failure| Ok(Judgement::all(n, Verdict::Failed(failure)));
    let (mut pass_renewed, mut prepared_renewed) = (false, false);
    let mut pass = match tools.passes.get(&opened.plan, config.app.environment, &desk).await {
        Ok(pass) => pass,
        Err(error) => return refuse(unpassed(error)),
    };
    loop {
        let prepared = match desk.prepare(&batch, &pass).await {
            Ok(prepared) => prepared,
            Err(Stuck::Unsayable(words)) => return Err(words),
            Err(Stuck::Failed(NotPrepared { failure, renew_pass })) => {
                if renew_pass && !pass_renewed {
                    pass_renewed = true;
                    match tools.passes.renew(&opened.plan, config.app.environment, &pass, &desk).await {
                        Ok(fresh) if fresh != pass => {
                            pass = fresh;
                            continue;
                        }
                        Ok(_) => {}
                        Err(error) => return refuse(unpassed(error)),
                    }
                }
                return refuse(unsent(failure));
            }
        };
        let batch = Batch { prepared: &prepared, ..batch.clone() };
        let wire = match desk.ask(&batch, &pass).await {
            Ok(wire) => wire,
            Err(DialectError::Content { field, reason }) => return Err(Unsayable(format!("{field}: {reason}"))),
            Err(error) => return refuse(never_sent(FailureClass::Auth, &error.to_string())),
        };
        let judged = desk.dialect.judge(&batch, &wire);
        let known = !matches!(wire, Wire::TimedOut { .. });
        if judged.renew_pass && !pass_renewed && known {
            pass_renewed = true;
            match tools.passes.renew(&opened.plan, config.app.environment, &pass, &desk).await {
                Ok(fresh) if fresh != pass => {
                    pass = fresh;
                    continue;
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(lane = config.lane.no, %error, "the refused pass could not be renewed"),
            }
        }
        if judged.renew_prepared && !prepared_renewed && known {
            prepared_renewed = true;
            for key in prepared.0.keys() {
                tools.materials.forget(&tools.storage, config.lane.no, key).await;
            }
            continue;
        }
        return Ok(judged);
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

    /// Everything the vendor must hold before the batch can be built.
    async fn prepare(&self, batch: &Batch<'_>, pass: &str) -> Result<Prepared, Stuck> {
        let mut prepared = Prepared::default();
        for _ in 0..MATERIALS_MAX {
            let asking = Batch { prepared: &prepared, ..batch.clone() };
            let wanted = match self.dialect.prepare(&asking, &self.opened.credential, pass) {
                Ok(None) => return Ok(prepared),
                Ok(Some(wanted)) => wanted,
                Err(DialectError::Content { field, reason }) => return Err(Stuck::Unsayable(Unsayable(format!("{field}: {reason}")))),
                Err(error) => return Err(Stuck::Failed(not_prepared(never_sent(FailureClass::Auth, &error.to_string())))),
            };
            let key = wanted.key.clone();
            let id = self.material(wanted).await.map_err(Stuck::Failed)?;
            prepared.0.insert(key, id);
        }
        Err(Stuck::Failed(not_prepared(Failure::new(FailureClass::Unknown, "a content that needs ever more materials"))))
    }

    /// The vendor's id of one material: kept, or made now, by one for all.
    async fn material(&self, wanted: Preparation) -> Result<String, NotPrepared> {
        let tools = self.tools;
        let (lane_no, now) = (self.config.lane.no, tools.world.now());
        let desk = tools.materials.desk(lane_no, &wanted.key);
        let _held = desk.lock().await;
        if let Some(id) = tools.materials.known(&tools.storage, lane_no, &wanted.key, now).await {
            return Ok(id);
        }
        let wire = self.send(|_| Ok(wanted.request.clone())).await;
        let wire = wire.unwrap_or_else(|error| Wire::NeverSent { words: error.to_string() });
        let read = self.dialect.read_prepared(wanted.kind, &wire, now);
        let (vendor_id, words) = match &read {
            Ok(id) => (Some(id.clone()), String::new()),
            Err(error) => (None, error.failure.words.clone()),
        };
        let ends_at = now + (wanted.lives - MATERIAL_SPARE_MS).max(wanted.lives / 2);
        let material = Material {
            lane_no,
            key: wanted.key,
            kind: wanted.kind.to_owned(),
            message_no: self.message_no,
            vendor_id,
            words,
            made_at: now,
            ends_at,
        };
        tools.materials.keep(&tools.storage, material).await;
        read
    }
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
