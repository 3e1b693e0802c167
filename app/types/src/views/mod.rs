//! What pages show: one file per noun, plain values made by the server, drawn by the browser.

pub mod approval;
pub mod apps;
pub mod calendar;
pub mod campaigns;
pub mod copies;
pub mod crowds;
pub mod dead_letters;
pub mod forecast;
pub mod funnel;
pub mod laboratory;
pub mod lanes;
pub mod messages;
pub mod nodes;
pub mod overview;
pub mod people;
pub mod policy;
pub mod ramp;
pub mod recall;
pub mod schedule;
pub mod shell;
pub mod workbench;
