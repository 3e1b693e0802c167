//! The simulator in a process of its own: started with accounts on its standard input, ended by closing it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use simulator::{Options, Scenario, Simulator};
use types::vendor::Vendor;

/// What the child says once it listens.
#[derive(Serialize, Deserialize)]
pub struct Address {
    pub apns: String,
    pub xiaomi: String,
    pub ca_pem: String,
}

/// What the child says when it ends: the truth.
#[derive(Serialize, Deserialize)]
pub struct Books {
    pub taken: u64,
    /// Device messages taken more than once, under one key or several.
    pub repeated: u64,
    /// By the vendor's slug.
    pub lanes: BTreeMap<String, Seen>,
}

/// A lane as its vendor saw it.
#[derive(Serialize, Deserialize)]
pub struct Seen {
    /// In the vendor's unit, in any one second.
    pub busiest: u64,
    pub over_limit: u64,
    /// Device messages a second, mean of the whole seconds between the first and the last.
    pub steady: f64,
}

fn seen(simulator: &Simulator, vendor: Vendor) -> Seen {
    let windows = simulator.ledger().windows(vendor, 0);
    let rates: Vec<u64> = simulator.ledger().rates(vendor).into_values().collect();
    let whole = rates.get(1..rates.len().saturating_sub(1)).unwrap_or_default();
    let steady = whole.iter().sum::<u64>() as f64 / whole.len().max(1) as f64;
    Seen { busiest: windows.busiest, over_limit: windows.refused + windows.quota_refused, steady }
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

    pub fn base_url(&self, vendor: Vendor) -> &str {
        match vendor {
            Vendor::Apns => &self.address.apns,
            _ => &self.address.xiaomi,
        }
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
    let address = Address {
        apns: simulator.base_url(Vendor::Apns),
        xiaomi: simulator.base_url(Vendor::Xiaomi),
        ca_pem: simulator.ca_pem().to_owned(),
    };
    let mut out = std::io::stdout();
    writeln!(out, "{}", serde_json::to_string(&address)?)?;
    out.flush()?;
    tokio::task::spawn_blocking(|| {
        let mut rest = String::new();
        std::io::stdin().read_line(&mut rest)
    })
    .await??;
    let repeats = simulator.ledger().repeats(None);
    let lanes = [Vendor::Apns, Vendor::Xiaomi].map(|vendor| (vendor.slug().to_owned(), seen(&simulator, vendor))).into();
    let books = Books { taken: simulator.ledger().taken(), repeated: repeats.extra + repeats.other_key, lanes };
    writeln!(out, "{}", serde_json::to_string(&books)?)?;
    simulator.stop().await;
    Ok(())
}
