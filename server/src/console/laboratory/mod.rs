//! The laboratory: dials, scripts and ledger of an attached simulator. It is reached by its control API alone, in the demo, too.

mod script;
mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;

use app::error::AppError;
use app::ports::Asked;
use app::ports::laboratory::LaboratoryPort;
use async_trait::async_trait;
use jiff::tz::TimeZone;
use pipeline::house::House;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use types::Millis;
use types::field::FieldError;
use types::problem::{Code, Problem};
use types::vendor::Vendor;
use types::views::laboratory::{BenchView, DIALS, Dial, DialValues, LaboratoryView, LedgerLine, ScriptForm, ScriptView};

use self::wire::Wire;
use crate::settings::Settings;

/// Lines of the ledger on the page.
const LINES: usize = 20;
/// Codes shown for one vendor.
const CODES: usize = 6;

pub struct LaboratoryConsole {
    house: Arc<House>,
    zone: TimeZone,
    wire: Option<Wire>,
}

/// What the control API says of itself; the rest of its answer is not needed.
#[derive(Deserialize)]
struct State {
    dials: BTreeMap<Vendor, Value>,
    ledger: Totals,
    receipts: Posted,
}

#[derive(Deserialize)]
struct Totals {
    taken: u64,
    answers: BTreeMap<Vendor, BTreeMap<String, u64>>,
}

#[derive(Deserialize)]
struct Posted {
    receipts: u64,
    waiting: u64,
}

#[derive(Deserialize)]
struct Script {
    id: u64,
    name: String,
    text: String,
    state: String,
    trouble: String,
    taken: u64,
    steps: Vec<ScriptStep>,
}

#[derive(Deserialize)]
struct ScriptStep {
    at: Millis,
    vendor: Vendor,
    dials: Value,
}

#[derive(Deserialize)]
struct Entry {
    at: Millis,
    vendor: Vendor,
    key: String,
    verdict: String,
    token_hash: String,
    title: String,
}

fn understood<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, Problem> {
    serde_json::from_value(value).map_err(|error| {
        tracing::error!(%error, "the simulator speaks another version of its control API");
        Problem::new(Code::Internal)
    })
}

/// The value at a dial's place.
fn at<'a>(dials: &'a Value, dial: &Dial) -> Option<&'a Value> {
    dial.name.split('.').try_fold(dials, |value, part| value.get(part))
}

fn values(dials: &Value) -> DialValues {
    DIALS.iter().map(|dial| (dial.name.to_owned(), script::shown(dial, at(dials, dial)))).collect()
}

/// `outage=error latency_ms=20`.
fn words(dials: &Value) -> String {
    let turned = DIALS.iter().filter_map(|dial| Some(format!("{}={}", dial.name, plain(at(dials, dial)?))));
    turned.collect::<Vec<_>>().join(" ")
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl LaboratoryConsole {
    pub fn new(house: Arc<House>, settings: &Settings) -> LaboratoryConsole {
        let zone = TimeZone::get(&settings.console.zone).unwrap_or(TimeZone::UTC);
        LaboratoryConsole { house, zone, wire: settings.simulator_url.as_deref().map(Wire::new) }
    }

    fn wire(&self) -> Result<&Wire, Problem> {
        self.wire.as_ref().ok_or_else(|| Problem::new(Code::NotFound))
    }

    async fn look(&self, wire: &Wire) -> Result<LaboratoryView, Problem> {
        let state: State = understood(wire.get("state").await?)?;
        let scripts: Vec<Script> = understood(wire.get("scripts").await?)?;
        let last: Vec<Entry> = understood(wire.get(&format!("ledger/last?count={LINES}")).await?)?;
        let benches = Vendor::ALL.into_iter().map(|vendor| {
            let now = state.dials.get(&vendor).map(values).unwrap_or_default();
            let turned = DIALS.iter().filter_map(|dial| {
                let value = now.get(dial.name).filter(|value| *value != dial.rest)?;
                Some((dial.name.to_owned(), value.clone()))
            });
            let mut answers: Vec<(String, u64)> = state.ledger.answers.get(&vendor).cloned().unwrap_or_default().into_iter().collect();
            answers.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
            answers.truncate(CODES);
            BenchView { vendor, turned: turned.collect(), answers }
        });
        let benches = benches.collect();
        let scripts = scripts.into_iter().map(|s| ScriptView {
            id: s.id,
            name: s.name,
            text: s.text,
            state: s.state,
            trouble: s.trouble,
            taken: s.taken,
            steps: s.steps.into_iter().map(|step| (step.at, step.vendor, words(&step.dials))).collect(),
        });
        let last = last.into_iter().map(|line| LedgerLine {
            at: line.at,
            vendor: line.vendor,
            verdict: line.verdict,
            key: line.key,
            token: line.token_hash,
            title: line.title,
        });
        Ok(LaboratoryView {
            address: wire.address.clone(),
            taken: state.ledger.taken,
            posted: state.receipts.receipts,
            due: state.receipts.waiting,
            benches,
            scripts: scripts.collect(),
            last: last.collect(),
        })
    }

    async fn note(&self, asked: &Asked, action: &str, object: &str, before: Option<Value>, after: Option<Value>) -> Result<(), Problem> {
        super::audit(&self.house, &super::actor(asked), action, object, None, before, after).await
    }
}

/// What the simulator takes, and the same by the form's names for the audit log.
type Changes = (Map<String, Value>, Map<String, Value>);

/// The dials that a person changed. Complaints by field.
fn changes(seen: DialValues, typed: &DialValues) -> Result<Changes, Problem> {
    let (mut patch, mut after, mut wrong) = (Map::new(), Map::new(), Vec::new());
    for dial in DIALS {
        let Some(text) = typed.get(dial.name).map(|text| text.trim()) else { continue };
        if seen.get(dial.name).is_some_and(|seen| seen.trim() == text) {
            continue;
        }
        match script::value(dial, text, true) {
            Ok(value) => {
                after.insert(dial.name.to_owned(), value.clone());
                script::put(&mut patch, dial, value);
            }
            Err(why) => wrong.push(FieldError::new(dial.name, why)),
        }
    }
    if wrong.is_empty() { Ok((patch, after)) } else { Err(Problem::fields(wrong)) }
}

#[async_trait]
impl LaboratoryPort for LaboratoryConsole {
    async fn view(&self) -> Result<Option<LaboratoryView>, AppError> {
        match &self.wire {
            None => Ok(None),
            Some(wire) => Ok(Some(self.look(wire).await?)),
        }
    }

    async fn dials(&self, vendor: Vendor) -> Result<DialValues, AppError> {
        Ok(values(&self.wire()?.get(&format!("dials/{}", vendor.slug())).await?))
    }

    async fn turn(&self, asked: &Asked, vendor: Vendor, seen: DialValues, dials: DialValues) -> Result<(), AppError> {
        let wire = self.wire()?;
        let path = format!("dials/{}", vendor.slug());
        let was = wire.get(&path).await?;
        let (patch, after) = changes(if seen.is_empty() { values(&was) } else { seen }, &dials)?;
        if patch.is_empty() {
            return Ok(());
        }
        let before: Map<String, Value> = DIALS
            .iter()
            .filter(|dial| after.contains_key(dial.name))
            .filter_map(|dial| Some((dial.name.to_owned(), at(&was, dial)?.clone())))
            .collect();
        wire.patch(&path, &Value::Object(patch)).await?;
        Ok(self.note(asked, "laboratory.dials", vendor.slug(), Some(before.into()), Some(after.into())).await?)
    }

    async fn play(&self, asked: &Asked, form: ScriptForm) -> Result<(), AppError> {
        let wire = self.wire()?;
        let script = script::read(&form, self.house.world.now(), &self.zone)?;
        let steps: Vec<Value> =
            script.steps.iter().map(|s| json!({ "after_ms": s.after_ms, "vendor": s.vendor, "dials": s.dials })).collect();
        let made = wire.post("scripts", &json!({ "name": script.name, "text": script.text, "steps": steps })).await?;
        let after = json!({ "name": script.name, "text": script.text });
        Ok(self.note(asked, "laboratory.script", &plain(&made["id"]), None, Some(after)).await?)
    }

    async fn stop(&self, asked: &Asked, script: u64) -> Result<(), AppError> {
        self.wire()?.post(&format!("scripts/{script}/stop"), &json!({})).await?;
        Ok(self.note(asked, "laboratory.stop", &script.to_string(), None, None).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_person_changed_is_turned() {
        let rest = json!({ "outage": "error", "latency_ms": 5, "receipts": { "delivered_share": 0.9 } });
        let seen = values(&rest);
        assert_eq!((seen["outage"].as_str(), seen["receipts.delivered_share"].as_str()), ("error", "90"));
        let mut typed = seen.clone();
        assert!(changes(seen.clone(), &typed).unwrap().0.is_empty());
        typed.insert("receipts.delivered_share".into(), "50".into());
        let (patch, after) = changes(seen.clone(), &typed).unwrap();
        assert_eq!(Value::Object(patch), json!({ "receipts": { "delivered_share": 0.5 } }));
        assert_eq!(Value::Object(after), json!({ "receipts.delivered_share": 0.5 }));
        typed.insert("latency_ms".into(), "quick".into());
        assert_eq!(changes(seen, &typed).unwrap_err().errors[0].field, "latency_ms");
        assert_eq!(words(&rest), "outage=error latency_ms=5 receipts.delivered_share=0.9");
    }
}
