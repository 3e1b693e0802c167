//! What `deploy/` asks of the metrics exists: every name in rules and dashboards is registered by the code, and every name the code
//! lists is really counted somewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Constant -> metric, as `telemetry.rs` lists them.
fn listed() -> BTreeMap<String, String> {
    let list = text(&root().join("server/pipeline/src/telemetry.rs"));
    let lines = list.lines().filter_map(|line| line.strip_prefix("pub const "));
    lines
        .map(|line| {
            let (name, rest) = line.split_once(": &str = \"").expect("a name and its text");
            (name.to_owned(), rest.trim_end_matches("\";").to_owned())
        })
        .collect()
}

/// Every word of a query that is one of our metrics.
fn metrics(query: &str) -> BTreeSet<String> {
    let words = query.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| word.starts_with("push_")).map(str::to_owned).collect()
}

/// A histogram is asked for by its parts.
fn base<'a>(name: &'a str, known: &BTreeSet<String>) -> &'a str {
    let parts = ["_bucket", "_sum", "_count"];
    parts.iter().find_map(|part| name.strip_suffix(part).filter(|base| known.contains(*base))).unwrap_or(name)
}

fn expressions(value: &serde_json::Value, out: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                match value.as_str() {
                    Some(text) if ["expr", "query", "definition"].contains(&key.as_str()) => out.push(text.to_owned()),
                    _ => expressions(value, out),
                }
            }
        }
        serde_json::Value::Array(list) => list.iter().for_each(|value| expressions(value, out)),
        _ => {}
    }
}

/// (file, query) of rules and dashboards.
fn queries() -> Vec<(String, String)> {
    let deploy = root().join("deploy");
    let mut found = Vec::new();
    for line in text(&deploy.join("prometheus/rules.yml")).lines() {
        if let Some(query) = line.trim().strip_prefix("expr: ") {
            found.push(("rules.yml".to_owned(), query.to_owned()));
        }
    }
    assert!(found.len() >= 8, "the rules are read");
    for entry in std::fs::read_dir(deploy.join("grafana/dashboards")).expect("dashboards") {
        let path = entry.expect("a file").path();
        let board: serde_json::Value = serde_json::from_str(&text(&path)).expect("a dashboard");
        let mut list = Vec::new();
        expressions(&board, &mut list);
        assert!(list.len() >= 10, "{}: its queries are read", path.display());
        found.extend(list.into_iter().map(|query| (path.file_name().unwrap().to_string_lossy().into_owned(), query)));
    }
    found
}

#[test]
fn rules_and_dashboards_ask_for_metrics_that_exist() {
    let known: BTreeSet<String> = listed().into_values().collect();
    for (file, query) in queries() {
        for name in metrics(&query) {
            assert!(known.contains(base(&name, &known)), "{file}: {name} in {query}");
        }
    }
}

#[test]
fn a_metric_nobody_registers_is_noticed() {
    let known: BTreeSet<String> = listed().into_values().collect();
    let found = metrics("sum(rate(push_lane_depht{app=\"x\"}[1m])) / push_lane_depth");
    assert_eq!(found.iter().filter(|name| !known.contains(base(name, &known))).collect::<Vec<_>>(), ["push_lane_depht"]);
    assert_eq!(base("push_dispatch_lag_seconds_bucket", &known), "push_dispatch_lag_seconds");
}

fn sources(folder: &Path, out: &mut String) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("a file").path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") && path.file_name().is_some_and(|n| n != "telemetry.rs") {
            out.push_str(&text(&path));
        }
    }
}

#[test]
fn every_listed_metric_is_counted_somewhere() {
    let mut all = text(&root().join("server/src/telemetry.rs"));
    for folder in ["server/pipeline/src", "server/src"] {
        sources(&root().join(folder), &mut all);
    }
    let idle: Vec<String> = listed().into_keys().filter(|name| !all.contains(&format!("telemetry::{name}"))).collect();
    assert_eq!(idle, Vec::<String>::new(), "listed in telemetry.rs and never counted");
}
