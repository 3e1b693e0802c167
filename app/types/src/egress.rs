//! Ways out of the house towards a vendor: how much of the traffic takes which.

use serde::{Deserialize, Serialize};

use crate::text::Words;

/// How one way leaves.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "to", rename_all = "snake_case")]
pub enum WayKind {
    /// Straight to the lane's base URL.
    Direct,
    /// Through an HTTP proxy (CONNECT).
    Proxy(String),
    /// To another address of the vendor (or a gateway) instead of the lane's base URL.
    Host(String),
    /// From this address of the machine.
    Source(std::net::IpAddr),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Way {
    /// Parts of the whole; the shares of a lane need not add up to 100.
    pub share: u32,
    #[serde(flatten)]
    pub kind: WayKind,
}

/// Most ways of one lane.
pub const WAYS_MAX: usize = 8;

impl Way {
    /// As typed in the console: `70 direct`, `30 proxy http://proxy:3128`.
    pub fn line(&self) -> String {
        let share = self.share;
        match &self.kind {
            WayKind::Direct => format!("{share} direct"),
            WayKind::Proxy(to) => format!("{share} proxy {to}"),
            WayKind::Host(to) => format!("{share} host {to}"),
            WayKind::Source(ip) => format!("{share} source {ip}"),
        }
    }
}

/// One way a line; empty lines are skipped. No line at all = one direct way.
///
/// # Errors
/// Which line, why, and what to write.
pub fn parse(text: &str) -> Result<Vec<Way>, Words> {
    let mut ways = Vec::new();
    for (i, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let n = i + 1;
        let wrong = |zh: &str, en: &str| Words::new(format!("第 {n} 行{zh}"), format!("line {n} {en}"));
        let mut parts = line.split_whitespace();
        let share = parts.next().and_then(|s| s.parse::<u32>().ok()).filter(|s| *s <= 10_000);
        let share = share.ok_or_else(|| wrong("要以 0–10000 的份额开头", "must begin with a share from 0 to 10000"))?;
        let kind = match (parts.next(), parts.next(), parts.next()) {
            (Some("direct"), None, _) => WayKind::Direct,
            (Some("proxy"), Some(to), None) if to.starts_with("http://") || to.starts_with("https://") => WayKind::Proxy(to.to_owned()),
            (Some("host"), Some(to), None) if to.starts_with("https://") && !to.ends_with('/') => WayKind::Host(to.to_owned()),
            (Some("source"), Some(to), None) => WayKind::Source(
                to.parse().map_err(|_| wrong("的来源地址要是本机 IP", "needs an IP address of this machine as its source"))?,
            ),
            _ => {
                return Err(wrong(
                    "要写成：份额 direct，或 份额 proxy http://…，或 份额 host https://…，或 份额 source IP",
                    "must be: share direct, share proxy http://…, share host https://…, or share source IP",
                ));
            }
        };
        ways.push(Way { share, kind });
    }
    if ways.len() > WAYS_MAX {
        return Err(Words::new(format!("最多 {WAYS_MAX} 行"), format!("at most {WAYS_MAX} lines")));
    }
    if !ways.is_empty() && ways.iter().all(|way| way.share == 0) {
        return Err(Words::new("至少一行的份额大于 0", "at least one line needs a share above 0"));
    }
    Ok(ways)
}

/// The ways as lines, as [`parse`] reads them.
pub fn lines(ways: &[Way]) -> String {
    ways.iter().map(Way::line).collect::<Vec<_>>().join("\n")
}

/// How one way fares, as pages show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WayView {
    pub way: Way,
    /// Requests since the process started.
    pub requests: u64,
    /// Of these, that found no way through.
    pub failed: u64,
    /// Set aside until then.
    pub out_until: Option<crate::Millis>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_back_and_faults_are_named() {
        let text = "70 direct\n20 proxy http://proxy:3128\n5 host https://api2.example\n5 source 10.0.0.2";
        assert_eq!(lines(&parse(text).unwrap()), text);
        assert_eq!(parse("\n \n").unwrap(), []);
        for (text, says) in [
            ("direct", "line 1 must begin"),
            ("1 proxy", "line 1 must be"),
            ("1 direct\n2 source here", "line 2 needs an IP"),
            ("0 direct", "at least one line"),
            ("1 host http://a", "line 1 must be"),
        ] {
            let words = parse(text).unwrap_err();
            assert!(words.en.starts_with(says), "{text}: {}", words.en);
        }
    }
}
