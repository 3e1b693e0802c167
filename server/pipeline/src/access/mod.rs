//! THE DOOR: callers come in. Signed API calls, crowd files and schedules become stored messages.
//!
//! Comes in: calls, files, times. Goes out: stored messages and crowds. Never: a vendor, a lane.
//! Neighbours: policy, broker, storage, coordination. How to add one: a file per way in.
