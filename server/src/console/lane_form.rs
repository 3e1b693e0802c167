//! A lane's settings as a person types them: every complaint at once.

use app::ports::apps::LaneForm;
use pipeline::storage::apps::LaneSettings;
use types::field::FieldError;
use types::problem::Problem;
use types::text::Words;
use types::vendor::Vendor;

/// A whole PEM bundle.
const PEM_MAX: usize = 64 * 1024;

/// `https://host[:port][/prefix]` without a user, query or slash at the end; `http` only towards this machine.
pub(super) fn is_base_url(text: &str, proxy: bool) -> bool {
    let Ok(uri) = text.parse::<http::Uri>() else { return false };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return false };
    let local = matches!(uri.host(), Some("127.0.0.1" | "localhost" | "[::1]"));
    let scheme_good = scheme == "https" || (scheme == "http" && (proxy || local));
    scheme_good && !authority.as_str().contains('@') && uri.query().is_none() && !text.ends_with('/')
}

pub(super) fn check_lane(vendor: Vendor, form: &LaneForm) -> Result<LaneSettings, Problem> {
    let mut errors = Vec::new();
    let mut ways_wrong = None;
    let mut wrong = |field: &str, zh: &str, en: &str| errors.push(FieldError::new(field, Words::new(zh, en)));
    let defaults = vendor.lane_defaults();
    let base_url = form.base_url.trim();
    if !is_base_url(base_url, false) {
        wrong(
            "base_url",
            "需要 https:// 开头、末尾没有斜杠的地址（本机可用 http://）",
            "needs an address that starts with https:// and has no slash at the end (http:// towards this machine only)",
        );
    }
    let ca_pem = form.ca_pem.trim().replace("\r\n", "\n");
    if !ca_pem.is_empty() && (ca_pem.len() > PEM_MAX || !ca_pem.contains("-----BEGIN CERTIFICATE-----")) {
        wrong(
            "ca_pem",
            "需要 PEM 证书，以 BEGIN CERTIFICATE 开头，最多 64 KiB",
            "needs PEM certificates that start with BEGIN CERTIFICATE, at most 64 KiB",
        );
    }
    let proxy = form.egress_proxy.trim();
    if !proxy.is_empty() && !is_base_url(proxy, true) {
        wrong("egress_proxy", "需要形如 http://proxy:3128 的地址，不含账号", "needs the form http://proxy:3128, without a user");
    }
    let ways = types::egress::parse(&form.ways).unwrap_or_else(|reason| {
        ways_wrong = Some(reason);
        Vec::new()
    });
    if !(1..=1_000_000).contains(&form.pace_per_second) {
        wrong("pace_per_second", "需要 1 到 1,000,000", "needs 1 to 1,000,000");
    }
    if !(1..=defaults.batch.max(1)).contains(&form.batch) {
        let most = defaults.batch;
        errors.push(FieldError::new(
            "batch",
            Words::new(format!("需要 1 到 {most}（厂商上限）"), format!("needs 1 to {most}, the vendor's limit")),
        ));
    }
    let mut wrong = |field: &str, zh: &str, en: &str| errors.push(FieldError::new(field, Words::new(zh, en)));
    if !(1..=10_000).contains(&form.in_flight) {
        wrong("in_flight", "需要 1 到 10,000", "needs 1 to 10,000");
    }
    if form.daily_quota > 1_000_000_000_000 {
        wrong("daily_quota", "最多 1 万亿；0 表示没有已知配额", "at most 10^12; 0 = no quota known");
    }
    if form.reserve_percent > 90 {
        wrong("reserve_percent", "最多 90", "at most 90");
    }
    if !(500..=120_000).contains(&form.timeout_ms) {
        wrong("timeout_ms", "需要 500 到 120,000 毫秒", "needs 500 to 120,000 ms");
    }
    errors.extend(ways_wrong.map(|reason| FieldError::new("ways", reason)));
    if !errors.is_empty() {
        return Err(Problem::fields(errors));
    }
    Ok(LaneSettings {
        enabled: form.enabled,
        base_url: base_url.to_owned(),
        ca_pem: Some(ca_pem).filter(|t| !t.is_empty()),
        pace_per_second: form.pace_per_second,
        batch: form.batch,
        in_flight: form.in_flight,
        daily_quota: form.daily_quota,
        reserve_percent: form.reserve_percent,
        egress_proxy: Some(proxy.to_owned()).filter(|t| !t.is_empty()),
        ways,
        timeout_ms: form.timeout_ms,
        // What has pages of its own.
        ..LaneSettings::default()
    })
}
