//! THE BACK DOOR: vendor callbacks and client reports become marks on recipients.
//!
//! Comes in: raw bodies. Goes out: stored raw, answered, then applied. Never: the send path.
//! Neighbours: vendors (reading only), storage, broker.
//! How to add one: a reader in the vendor's folder, a kind and its mark in `types::receipt`.
//!
//! [`listen::Listener`] is what the HTTP layer calls; [`apply::Applier`] is the worker behind it.

pub mod apply;
mod effects;
pub mod guard;
pub mod kept;
pub mod listen;
pub mod mac;
pub mod report;
