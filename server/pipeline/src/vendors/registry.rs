//! Vendor -> dialect. The match is exhaustive: a new vendor does not compile until it speaks.

use types::vendor::Vendor;

use super::apns::Apns;
use super::dialect::Dialect;
use super::fcm::Fcm;
use super::getui::Getui;
use super::harmony::Harmony;
use super::honor::Honor;
use super::huawei::Huawei;
use super::jpush::Jpush;
use super::meizu::Meizu;
use super::oppo::Oppo;
use super::umeng::Umeng;
use super::vivo::Vivo;
use super::xiaomi::Xiaomi;

pub fn dialect(vendor: Vendor) -> &'static dyn Dialect {
    match vendor {
        Vendor::Apns => &Apns,
        Vendor::Fcm => &Fcm,
        Vendor::Xiaomi => &Xiaomi,
        Vendor::Huawei => &Huawei,
        Vendor::Harmony => &Harmony,
        Vendor::Honor => &Honor,
        Vendor::Getui => &Getui,
        Vendor::Jpush => &Jpush,
        Vendor::Umeng => &Umeng,
        Vendor::Oppo => &Oppo,
        Vendor::Vivo => &Vivo,
        Vendor::Meizu => &Meizu,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dialect_answers_to_its_own_name() {
        for vendor in Vendor::ALL {
            assert_eq!(dialect(vendor).vendor(), vendor);
        }
    }
}
