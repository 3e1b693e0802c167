//! The twins against the manuals, one file per vendor; one binary, because each would be linked with the whole simulator.

mod apns;
mod control;
mod cost;
mod fcm;
mod getui;
mod honor;
mod huawei;
mod jpush;
mod meizu;
mod oppo;
mod streams;
mod support;
mod umeng;
mod vivo;
mod xiaomi;
