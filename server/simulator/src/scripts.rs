//! Scripts: which dials change when. They are kept while the twin lives, so that people can see and stop them; stopping one puts
//! back what it had changed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;
use types::Millis;
use types::vendor::Vendor;

use crate::Trouble;
use crate::dials::{Dials, Step, VENDORS, patched};
use crate::twin::Twin;

/// Ended scripts beyond this many are forgotten, the oldest first.
const KEPT: usize = 50;

/// A script as it is handed in.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Order {
    #[serde(default)]
    pub(crate) name: String,
    /// What a person wrote, handed back as it is.
    #[serde(default)]
    pub(crate) text: String,
    /// In order; each waits `after_ms` after the one before.
    pub(crate) steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Playing,
    Done,
    Stopped,
    Failed,
}

struct Live {
    state: State,
    /// Steps taken so far.
    taken: usize,
    /// The dials it has changed, as they were before it first did.
    before: BTreeMap<Vendor, Map<String, Value>>,
    trouble: String,
}

struct Script {
    id: u64,
    order: Order,
    from: Millis,
    stop: CancellationToken,
    live: Mutex<Live>,
}

impl Script {
    fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shown(&self) -> Value {
        let mut at = self.from;
        let steps: Vec<Value> = self
            .order
            .steps
            .iter()
            .map(|step| {
                at += i64::try_from(step.after_ms).unwrap_or(i64::MAX / 2);
                json!({ "at": at, "vendor": step.vendor, "dials": step.dials })
            })
            .collect();
        let live = self.live();
        json!({ "id": self.id, "name": self.order.name, "text": self.order.text, "from": self.from, "state": live.state,
            "taken": live.taken, "trouble": live.trouble, "steps": steps })
    }

    /// One step. Under the lock, so that stopping never comes between a change and the note of what was there before.
    fn take(&self, twin: &Twin, step: &Step) -> Result<(), Trouble> {
        let mut live = self.live();
        if live.state != State::Playing {
            return Ok(());
        }
        let was = twin.dials(step.vendor);
        let now = patched(&was, &step.dials).map_err(Trouble::Scenario)?;
        let was = serde_json::to_value(&*was).map_err(|e| Trouble::Scenario(e.to_string()))?;
        let before = live.before.entry(step.vendor).or_default();
        for name in step.dials.keys() {
            before.entry(name.clone()).or_insert_with(|| was[name].clone());
        }
        live.taken += 1;
        twin.set_dials(step.vendor, now)
    }

    fn end(&self, state: State, trouble: String) {
        let mut live = self.live();
        if live.state == State::Playing {
            (live.state, live.trouble) = (state, trouble);
        }
    }
}

#[derive(Default)]
struct Shelf {
    scripts: Vec<Arc<Script>>,
    last: u64,
}

/// Every script of this twin's life.
#[derive(Default)]
pub(crate) struct Scripts(Mutex<Shelf>);

impl Scripts {
    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Newest first.
    pub(crate) fn listed(&self) -> Vec<Value> {
        self.shelf().scripts.iter().rev().map(|script| script.shown()).collect()
    }

    /// Ends a script and puts back the dials it had changed. `false` when no such script plays.
    pub(crate) fn stop(&self, twin: &Twin, id: u64) -> Result<bool, Trouble> {
        let Some(script) = self.shelf().scripts.iter().find(|script| script.id == id).cloned() else { return Ok(false) };
        let mut live = script.live();
        if live.state != State::Playing {
            return Ok(false);
        }
        live.state = State::Stopped;
        script.stop.cancel();
        for (vendor, before) in std::mem::take(&mut live.before) {
            twin.set_dials(vendor, patched(&twin.dials(vendor), &before).map_err(Trouble::Scenario)?)?;
        }
        Ok(true)
    }
}

/// Tries every step on paper, so that a typo is an error now and not a silence later.
pub(crate) fn tried(twin: &Twin, steps: &[Step]) -> Result<(), Trouble> {
    let mut paper: BTreeMap<Vendor, Dials> = VENDORS.into_iter().map(|v| (v, Dials::clone(&twin.dials(v)))).collect();
    for step in steps {
        let before = paper.get(&step.vendor).cloned().unwrap_or_default();
        let after = patched(&before, &step.dials).map_err(Trouble::Scenario)?;
        let complaints = after.complaints(step.vendor);
        if !complaints.is_empty() {
            return Err(Trouble::Scenario(complaints.join("; ")));
        }
        paper.insert(step.vendor, after);
    }
    Ok(())
}

/// Checks a script and plays it in the background; returns its number. `stop` = the end of the twin.
///
/// # Errors
/// A step that makes no sense; then nothing plays.
pub(crate) fn start(twin: &Arc<Twin>, order: Order, stop: &CancellationToken) -> Result<u64, Trouble> {
    tried(twin, &order.steps)?;
    let stop = stop.child_token();
    let live = Live { state: State::Playing, taken: 0, before: BTreeMap::new(), trouble: String::new() };
    let script = {
        let mut shelf = twin.scripts.shelf();
        shelf.last += 1;
        let script = Arc::new(Script { id: shelf.last, order, from: twin.clock.millis(), stop: stop.clone(), live: Mutex::new(live) });
        shelf.scripts.push(Arc::clone(&script));
        while shelf.scripts.len() > KEPT
            && let Some(ended) = shelf.scripts.iter().position(|s| s.live().state != State::Playing)
        {
            shelf.scripts.remove(ended);
        }
        script
    };
    let id = script.id;
    let twin = Arc::clone(twin);
    tokio::spawn(async move {
        // From one starting point, so that small delays do not add up.
        let mut due = tokio::time::Instant::now();
        for step in &script.order.steps {
            due += Duration::from_millis(step.after_ms);
            tokio::select! {
                () = stop.cancelled() => return script.end(State::Stopped, String::new()),
                () = tokio::time::sleep_until(due) => {}
            }
            let change = json!(step.dials).to_string();
            match script.take(&twin, step) {
                Ok(()) => tracing::info!(script = script.id, vendor = step.vendor.slug(), change, "step of a script"),
                Err(error) => {
                    tracing::warn!(script = script.id, %error, "step of a script failed");
                    return script.end(State::Failed, error.to_string());
                }
            }
        }
        script.end(State::Done, String::new());
    });
    Ok(id)
}
