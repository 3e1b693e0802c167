//! The simulator in a process of its own: started with accounts on its standard input, ended by closing it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, anyhow};
use serde::{Deserialize, Serialize};
use simulator::{Options, Scenario, Simulator};
use types::vendor::Vendor;

/// What the child says once it listens.
#[derive(Serialize, Deserialize)]
pub struct Address {
    /// By the vendor's slug.
    urls: BTreeMap<String, String>,
    pub ca_pem: String,
}

/// What the child says when it ends: the truth.
#[derive(Serialize, Deserialize)]
pub struct Books {
    pub taken: u64,
    /// Device messages taken once more under the same showing key: the phone shows one.
    pub same_key: u64,
    /// Device messages taken once more under another key: shown twice.
    pub other_key: u64,
    /// By the vendor's slug.
    pub lanes: BTreeMap<String, Seen>,
}

/// A lane as its vendor saw it.
#[derive(Serialize, Deserialize)]
pub struct Seen {
    /// In the vendor's unit, in any one second.
    pub busiest: u64,
    pub over_limit: u64,
    pub over_quota: u64,
    /// Device messages taken in each second (Unix).
    pub rates: BTreeMap<i64, u64>,
}

impl Seen {
    /// Device messages a second, mean of the whole seconds between the first and the last.
    pub fn steady(&self) -> f64 {
        let (first, last) = (self.rates.keys().next().copied(), self.rates.keys().next_back().copied());
        first.zip(last).map_or(0.0, |(first, last)| self.mean(first + 1, last))
    }

    /// Device messages a second, mean of the seconds `from..to`.
    pub fn mean(&self, from: i64, to: i64) -> f64 {
        self.rates.range(from..to.max(from)).map(|(_, n)| *n).sum::<u64>() as f64 / (to - from).max(1) as f64
    }
}

fn seen(simulator: &Simulator, vendor: Vendor) -> Seen {
    let windows = simulator.ledger().windows(vendor, 0);
    Seen {
        busiest: windows.busiest,
        over_limit: windows.refused,
        over_quota: windows.quota_refused,
        rates: simulator.ledger().rates(vendor),
    }
}

pub struct Twin {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    pub address: Address,
}

impl Twin {
    pub fn start(scenario: &Scenario) -> Result<Twin> {
        let mut child = Command::new(std::env::current_exe()?).arg("simulator").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut input = child.stdin.take().context("stdin")?;
        let mut output = BufReader::new(child.stdout.take().context("stdout")?);
        writeln!(input, "{}", serde_json::to_string(scenario)?)?;
        let mut line = String::new();
        output.read_line(&mut line)?;
        let address = serde_json::from_str(&line).context("the simulator did not start")?;
        Ok(Twin { child, input: Some(input), output, address })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn base_url(&self, vendor: Vendor) -> Result<&str> {
        self.address.urls.get(vendor.slug()).map(String::as_str).context("no such vendor")
    }

    /// Turns dials while it runs.
    pub fn turn(&mut self, vendor: Vendor, dials: serde_json::Value) -> Result<()> {
        let step = serde_json::json!({"after_ms": 0, "vendor": vendor, "dials": dials});
        writeln!(self.input.as_mut().context("stdin")?, "{step}").context("the simulator")
    }

    /// Ends it and reads its books.
    pub fn stop(mut self) -> Result<Books> {
        drop(self.input.take());
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        self.child.wait()?;
        serde_json::from_str(&line).context("the simulator's books")
    }
}

/// The child's side.
pub async fn serve() -> Result<()> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    let simulator = Simulator::start(Options { scenario: serde_json::from_str(&line)?, ..Options::default() }).await?;
    let urls = Vendor::ALL.map(|vendor| (vendor.slug().to_owned(), simulator.base_url(vendor))).into();
    let address = Address { urls, ca_pem: simulator.ca_pem().to_owned() };
    let mut out = std::io::stdout();
    writeln!(out, "{}", serde_json::to_string(&address)?)?;
    out.flush()?;
    let simulator = tokio::task::spawn_blocking(move || -> Result<Simulator> {
        for line in std::io::stdin().lines() {
            let steps = vec![serde_json::from_str(&line?)?];
            simulator.play(Scenario { steps, ..Scenario::default() }).map_err(|trouble| anyhow!("{trouble:?}"))?;
        }
        Ok(simulator)
    })
    .await??;
    let repeats = simulator.ledger().repeats(None);
    let lanes = Vendor::ALL.map(|vendor| (vendor.slug().to_owned(), seen(&simulator, vendor))).into();
    let books = Books { taken: simulator.ledger().taken(), same_key: repeats.extra, other_key: repeats.other_key, lanes };
    writeln!(out, "{}", serde_json::to_string(&books)?)?;
    simulator.stop().await;
    Ok(())
}
