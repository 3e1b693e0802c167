//! Names of every metric, once. Prometheus manners: prefix `push_`, base units, few labels
//! (`app`, `vendor`, `class`, `result`, `stage`; never a user, token, message or campaign).

/// Recipients that reached a step of the funnel, counted where it happened. Labels: app, vendor, stage (`planned`, `filtered`, `submitted`,
/// `accepted`); vendor is empty where none was chosen. What phones did is in [`RECEIPTS`].
pub const MESSAGES: &str = "push_messages_total";
/// Requests to a vendor. Labels: vendor, result (`2xx` … `5xx`, `timed_out`, `never_sent`).
pub const VENDOR_REQUESTS: &str = "push_vendor_requests_total";
/// Seconds from handing a request to the transport to its answer. Labels: vendor, result.
pub const VENDOR_REQUEST_SECONDS: &str = "push_vendor_request_duration_seconds";
/// Recipients by what became of them in a lane. Labels: app, vendor, result (an outcome).
pub const VENDOR_RECIPIENTS: &str = "push_vendor_recipients_total";
/// Seconds from the acceptance of a transactional message to its vendor request. Labels: vendor.
pub const DISPATCH_LAG_SECONDS: &str = "push_dispatch_lag_seconds";
/// Recipients waiting in a lane. Labels: app, vendor.
pub const LANE_DEPTH: &str = "push_lane_depth";
/// Chunks set aside, because their sender broke down over them. Labels: app, vendor.
pub const CHUNKS_SET_ASIDE: &str = "push_chunks_set_aside";
/// Campaigns that missed their time and wait for a person. Labels: app.
pub const CAMPAIGNS_MISSED: &str = "push_campaigns_missed";
/// Seconds since the oldest waiting chunk was written. Labels: app, vendor.
pub const LANE_OLDEST_AGE_SECONDS: &str = "push_lane_oldest_age_seconds";
/// Seconds a request waited for tokens. Labels: app, vendor.
pub const RATE_LIMIT_WAIT_SECONDS: &str = "push_rate_limit_wait_seconds";
/// What is left of a lane's own daily quota, 0 to 1. Labels: app, vendor.
pub const QUOTA_REMAINING_RATIO: &str = "push_quota_remaining_ratio";
/// The same of a lane's own quota for marketing. Labels: app, vendor.
pub const BULK_QUOTA_REMAINING_RATIO: &str = "push_bulk_quota_remaining_ratio";
/// 0 flowing, 1 tripped, 2 probing. Labels: app, vendor.
pub const BREAKER_STATE: &str = "push_breaker_state";
/// Recipients that left a lane that was out for another one. Labels: vendor (the one left).
pub const HANDED_OVER: &str = "push_handed_over_total";
/// Recipients sent to again by the same lane for want of a receipt. Labels: app, vendor, result (`again`, and `exhausted`: not heard of
/// after the last time).
pub const RESENDS: &str = "push_resends_total";
/// Receipts of known recipients, repeats among them. Labels: vendor, kind.
pub const RECEIPTS: &str = "push_receipts_total";
/// Receipts read and believed, and those that were not.
pub const RECEIPTS_APPLIED: &str = "push_receipts_applied_total";
pub const RECEIPTS_REFUSED: &str = "push_receipts_refused_total";
/// Receipts named so many dead tokens at once that none was believed. Labels: vendor.
pub const MASS_DEATHS: &str = "push_mass_deaths_total";
/// The walk along the audit log found an entry that is not as it was written.
pub const AUDIT_BROKEN: &str = "push_audit_broken_total";
/// Requests by the way out they took. Labels: egress (`direct`, `proxy`), result.
pub const EGRESS_REQUESTS: &str = "push_egress_requests_total";
/// HTTP connections opened to a vendor. Labels: vendor, result (`opened`, `refused`).
pub const VENDOR_CONNECTIONS: &str = "push_vendor_connections_total";
/// Access tokens asked for. Labels: vendor, result (`issued`, `refused`).
pub const PASS_EXCHANGES: &str = "push_pass_exchanges_total";
/// Requests to our own HTTP door. Labels: status.
pub const HTTP_REQUESTS: &str = "push_http_requests_total";
/// Seconds our own HTTP door took.
pub const HTTP_REQUEST_SECONDS: &str = "push_http_request_duration_seconds";
/// Nodes that are there, this one included. Labels: role.
pub const NODES: &str = "push_nodes";
/// 1 = this node hears the others, 0 = it takes its share of every limit only.
pub const NODES_LINKED: &str = "push_nodes_linked";
/// Transactions done again because two were in each other's way (PostgreSQL).
pub const STORE_RETRIES: &str = "push_store_retries_total";
/// Always 1. Label: version.
pub const BUILD_INFO: &str = "push_build_info";
