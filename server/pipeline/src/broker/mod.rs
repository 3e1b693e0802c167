//! THE SORTING ROOM: from message to chunks per lane.
//!
//! Comes in: a stored message. Goes out: chunks, each with its lane and why; filtered recipients with their rule.
//! Never: a vendor's words, a socket. Neighbours: storage, coordination, policy.
//! How to add one: a routing rule is a pure function in `route`.
