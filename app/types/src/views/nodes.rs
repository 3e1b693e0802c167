//! The processes of this installation, as one of them sees them.

use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::vendor::Vendor;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeView {
    pub name: String,
    /// Of `console`, `api`, `worker`, `scheduler`.
    pub roles: Vec<String>,
    pub version: String,
    pub started: Millis,
    pub last_beat: Millis,
    pub alive: bool,
    /// On its way out: takes no new work.
    pub draining: bool,
    /// Lanes with chunks in its hands: the app's name and the vendor.
    pub lanes: Vec<(String, Vendor)>,
    /// Chunks leased to it.
    pub leases: u64,
    /// This very process answered.
    pub own: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodesView {
    pub now: Millis,
    pub nodes: Vec<NodeView>,
    /// Processes agree through Redis; else each knows only itself.
    pub shared: bool,
    /// This process hears the others at present.
    pub linked: bool,
    /// Chunks leased to processes that nobody knows: they come back when their leases run out.
    pub orphaned: u64,
}
