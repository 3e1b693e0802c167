//! Devices as pages show them: tokens masked.

use pipeline::storage::devices::{Device, DeviceFilter, TokenState};
use types::vendor::Vendor;
use types::views::apps::{DeviceQuery, DeviceView, TokenView, mask};

pub fn view(device: Device) -> DeviceView {
    DeviceView {
        id: device.id,
        user_id: device.user_id,
        model: device.model,
        os_version: device.os_version,
        app_version: device.app_version,
        notifications_on: device.notifications_on,
        environment: device.environment,
        test: device.test,
        created_at: device.created_at,
        seen_at: device.seen_at,
        tokens: device
            .tokens
            .into_iter()
            .map(|token| TokenView {
                vendor: token.vendor,
                masked: mask(&token.token),
                environment: token.environment,
                active: token.state == TokenState::Active,
                reason: token.reason,
                registered_at: token.registered_at,
                quarantined_at: token.quarantined_at,
            })
            .collect(),
    }
}

/// Texts beyond their bounds find nothing rather than everything.
pub fn filter(query: &DeviceQuery) -> DeviceFilter {
    let text = |t: &str| Some(t.trim().to_owned()).filter(|t| !t.is_empty());
    DeviceFilter {
        user_id: text(&query.user),
        token: text(&query.token),
        vendor: Vendor::parse(&query.vendor),
        test: match query.test.as_str() {
            "yes" => Some(true),
            "no" => Some(false),
            _ => None,
        },
    }
}
