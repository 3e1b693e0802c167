//! What pages show: one file per noun, plain values made by the server, drawn by the browser.

pub mod campaigns;
pub mod copies;
pub mod shell;
