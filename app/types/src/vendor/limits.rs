//! What a lane starts with: address, pace, batch, quota of each vendor, with source and date. Each app's lane may differ.

use serde::{Deserialize, Serialize};

use super::Vendor;

/// How a vendor counts what its pace limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaceUnit {
    Requests,
    Targets,
}

/// Lane defaults of a vendor; each app's lane may differ at run time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LaneDefaults {
    pub base_url_production: &'static str,
    pub base_url_sandbox: &'static str,
    /// Where access tokens are fetched, when that is another host; a lane with a base URL of its own fetches them there.
    pub pass_url: &'static str,
    /// In the vendor's own unit, per second.
    pub pace_per_second: u32,
    pub pace_unit: PaceUnit,
    /// Recipients in one request.
    pub batch: u32,
    /// Recipients in one durable chunk: the most that can become uncertain in one crash, per request in flight.
    pub chunk: u32,
    /// Device messages a day, 0 = no limit known.
    pub daily_quota: u64,
    /// Requests (batch vendors) or streams (APNs) in flight.
    pub in_flight: u32,
    pub source: &'static str,
    /// ISO date on which the figures were read.
    pub checked_on: &'static str,
}

impl Vendor {
    /// Where pictures are uploaded, when that is another host than the lane's own.
    pub const fn media_url(self) -> &'static str {
        match self {
            Vendor::Oppo => "https://api-media.push.heytapmobi.com",
            _ => "",
        }
    }

    pub const fn lane_defaults(self) -> LaneDefaults {
        match self {
            Vendor::Apns => LaneDefaults {
                base_url_production: "https://api.push.apple.com",
                base_url_sandbox: "https://api.sandbox.push.apple.com",
                pass_url: "",
                pace_per_second: 5_000,
                pace_unit: PaceUnit::Requests,
                batch: 1,
                chunk: 250,
                daily_quota: 0,
                in_flight: 500,
                source: "Apple publishes no pace; ours is a courtesy limit",
                checked_on: "2026-11-20",
            },
            Vendor::Fcm => LaneDefaults {
                base_url_production: "https://fcm.googleapis.com",
                base_url_sandbox: "https://fcm.googleapis.com",
                pass_url: "https://oauth2.googleapis.com",
                pace_per_second: 5_000,
                pace_unit: PaceUnit::Requests,
                batch: 1,
                chunk: 250,
                daily_quota: 0,
                in_flight: 200,
                source: "Firebase throttling page: 600,000 messages a minute and project",
                checked_on: "2026-11-21",
            },
            Vendor::Xiaomi => LaneDefaults {
                base_url_production: "https://api.xmpush.xiaomi.com",
                base_url_sandbox: "https://api.xmpush.xiaomi.com",
                pass_url: "",
                pace_per_second: 500,
                pace_unit: PaceUnit::Requests,
                batch: 1_000,
                chunk: 1_000,
                daily_quota: 0,
                in_flight: 4,
                source: "dev.mi.com pId 1656: 500 requests/s below 100 k devices",
                checked_on: "2026-11-20",
            },
            Vendor::Huawei => LaneDefaults {
                base_url_production: "https://push-api.cloud.huawei.com",
                base_url_sandbox: "https://push-api.cloud.huawei.com",
                pass_url: "https://oauth-login.cloud.huawei.com",
                pace_per_second: 6_000,
                pace_unit: PaceUnit::Targets,
                batch: 1_000,
                chunk: 1_000,
                daily_quota: 0,
                in_flight: 4,
                source: "Huawei Push Kit frequency control: devices per second, floor 6000",
                checked_on: "2026-11-21",
            },
            Vendor::Harmony => LaneDefaults {
                base_url_production: "https://push-api.cloud.huawei.com",
                base_url_sandbox: "https://push-api.cloud.huawei.com",
                pass_url: "",
                pace_per_second: 6_000,
                pace_unit: PaceUnit::Targets,
                batch: 1_000,
                chunk: 1_000,
                daily_quota: 0,
                in_flight: 4,
                source: "Huawei Push Kit frequency control: devices per second, floor 6000",
                checked_on: "2026-11-21",
            },
            Vendor::Honor => LaneDefaults {
                base_url_production: "https://push-api.cloud.honor.com",
                base_url_sandbox: "https://push-api.cloud.honor.com",
                pass_url: "https://iam.developer.honor.com",
                pace_per_second: 3_000,
                pace_unit: PaceUnit::Targets,
                batch: 1_000,
                chunk: 1_000,
                daily_quota: 0,
                in_flight: 4,
                source: "a reseller's table: 3000, unit not stated, counted as devices",
                checked_on: "2026-11-21",
            },
            Vendor::Oppo => LaneDefaults {
                base_url_production: "https://api.push.oppomobile.com",
                base_url_sandbox: "https://api.push.oppomobile.com",
                pass_url: "",
                pace_per_second: 5_000,
                pace_unit: PaceUnit::Targets,
                batch: 1_000,
                chunk: 1_000,
                daily_quota: 0,
                in_flight: 4,
                source: "three resellers: 5000 target users a second below 10 M users",
                checked_on: "2026-11-21",
            },
            Vendor::Vivo => LaneDefaults {
                base_url_production: "https://api-push.vivo.com.cn",
                base_url_sandbox: "https://api-push.vivo.com.cn",
                pass_url: "",
                pace_per_second: 3_000,
                pace_unit: PaceUnit::Targets,
                batch: 1_000,
                chunk: 1_000,
                daily_quota: 0,
                in_flight: 4,
                source: "three resellers: 3000 users a second below 5 M users",
                checked_on: "2026-11-21",
            },
            Vendor::Meizu => LaneDefaults {
                base_url_production: "https://server-api-push.meizu.com",
                base_url_sandbox: "https://server-api-push.meizu.com",
                pass_url: "",
                pace_per_second: 200,
                pace_unit: PaceUnit::Requests,
                batch: 100,
                chunk: 100,
                daily_quota: 0,
                in_flight: 8,
                source: "a reseller's table: 200 requests a second and app",
                checked_on: "2026-11-21",
            },
            Vendor::Umeng => LaneDefaults {
                base_url_production: "https://msgapi.umeng.com",
                base_url_sandbox: "https://msgapi.umeng.com",
                pass_url: "",
                pace_per_second: 20,
                pace_unit: PaceUnit::Requests,
                batch: 500,
                chunk: 500,
                daily_quota: 0,
                in_flight: 4,
                source: "Umeng publishes no pace; ours is a courtesy limit",
                checked_on: "2026-11-21",
            },
            Vendor::Getui => LaneDefaults {
                base_url_production: "https://restapi.getui.com",
                base_url_sandbox: "https://restapi.getui.com",
                pass_url: "",
                pace_per_second: 50,
                pace_unit: PaceUnit::Requests,
                batch: 1_000,
                chunk: 1_000,
                daily_quota: 0,
                in_flight: 4,
                source: "Getui publishes no pace; ours is a courtesy limit",
                checked_on: "2026-11-21",
            },
            Vendor::Jpush => LaneDefaults {
                base_url_production: "https://api.jpush.cn",
                base_url_sandbox: "https://api.jpush.cn",
                pass_url: "",
                pace_per_second: 10,
                pace_unit: PaceUnit::Requests,
                batch: 1_000,
                chunk: 1_000,
                daily_quota: 0,
                in_flight: 4,
                source: "JPush: 600 pushes a minute in the free tier",
                checked_on: "2026-11-21",
            },
        }
    }
}
