//! The codes of Huawei's send interfaces, v1 and v3 (huawei.md, 3 and 4).

use types::failure::FailureClass::{self, Auth, BadContent, InvalidToken, RateLimited, Unknown, VendorError};

pub(super) const ACCEPTED: i64 = 80_000_000;
pub(super) const PARTLY: i64 = 80_100_000;
pub(super) const ALL_INVALID: i64 = 80_300_007;

/// The table of huawei.md, 4, its last row by family.
pub(super) fn class_of(code: i64) -> FailureClass {
    match code {
        80_100_017 => RateLimited,
        80_300_002 | 80_300_011 | 80_300_036 | 80_300_037 => Auth,
        ALL_INVALID => InvalidToken,
        80_300_008 | 80_300_010 | 80_300_013 | 80_300_030 => BadContent,
        80_300_029 => RateLimited,
        80_600_003 => VendorError,
        80_100_000..=80_199_999 => BadContent,
        80_200_000..=80_299_999 => Auth,
        80_300_000..=80_399_999 | 81_000_000..=81_999_999 => VendorError,
        82_000_001..=82_000_013 => BadContent,
        _ => Unknown,
    }
}

/// A new access token (or a newly signed JWT) mends these.
pub(super) fn renews(code: i64) -> bool {
    matches!(code, 80_200_001 | 80_200_003 | 80_200_005)
}

/// What a reason in v3's `illegalTokens` says, and of whom.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Blame {
    Token,
    /// A token of another project; when all are, our project is the wrong one.
    Project,
    Content,
    /// This device cannot or must not get such messages; no repeat changes it.
    Device,
    /// A right the app lacks, or a penalty.
    App,
    Nobody,
}

pub(super) fn blame(reason: &str) -> Blame {
    match reason {
        "tokenFormatError" | "tokenPlatformNotSupport" => Blame::Token,
        "noRight" => Blame::Project,
        "differentImgVerifyPolicy" => Blame::Content,
        "countryNotSupport" | "atomicUnableSendUnsubscribedMsg" => Blame::Device,
        "noPushTypeRight"
        | "disableSendHuaweiMsgBecauseOfPenalty"
        | "appinfoError"
        | "notSupportPlayVoice"
        | "noRightToSendThisLiveNotificationEvent" => Blame::App,
        _ => Blame::Nobody,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole table of huawei.md, 4, row by row, and one stranger of each family.
    #[test]
    fn the_table_of_codes() {
        let codes = [
            80_100_001, 80_100_002, 80_100_003, 80_100_004, 80_100_013, 80_100_016, 80_100_017, 80_100_018, 80_100_022, 80_200_001,
            80_200_003, 80_200_005, 80_300_002, 80_300_007, 80_300_008, 80_300_010, 80_300_011, 80_300_013, 80_300_029, 80_300_030,
            80_300_036, 80_300_037, 80_600_003, 81_000_001, 82_000_001, 82_000_007, 82_000_009, 82_000_013, 80_100_999, 80_200_999,
            80_300_999, 81_000_999, 82_000_014, 6003, 0, -1,
        ];
        let table: Vec<String> =
            codes.iter().map(|code| format!("{code:>8} {}{}", class_of(*code).slug(), if renews(*code) { " renew" } else { "" })).collect();
        insta::assert_snapshot!(table.join("\n"));
    }
}
