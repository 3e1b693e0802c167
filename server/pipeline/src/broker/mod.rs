//! THE SORTING ROOM: from message to chunks per lane.
//!
//! Comes in: a stored message. Goes out: chunks, each with its lane and why; filtered recipients with their rule.
//! Never: a vendor's words, a socket, a send. Neighbours: storage, coordination, policy.
//! How to add one: a routing rule is a pure function in `route` (how lanes stand: `health`); a kind of target is an arm in `plan::Planner::gather`; whose turn it is, `turns` says.

pub mod ask;
pub mod forecast;
pub mod health;
pub mod onward;
pub mod plan;
pub mod policies;
pub mod quota;
pub mod resend;
pub mod route;
pub mod timeline;
pub mod turns;

/// Wake-up names shared by the rooms that meet at the queue.
pub mod wakes {
    /// A message waits to be planned.
    pub const PLAN: &str = "plan";
    /// Apps, credentials or lane settings changed.
    pub const LANES: &str = "lanes";

    /// Bodies of receipts were stored.
    pub const RECEIPTS: &str = "receipts";

    /// Chunks wait in this lane.
    pub fn lane(lane_no: i64) -> String {
        format!("lane/{lane_no}")
    }
}
