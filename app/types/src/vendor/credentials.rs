//! The credential form of each vendor, declared once: drawn by the console, checked on both sides, masked by its kind.

use super::Vendor;
use crate::field::{Check, CredentialField, FieldKind};
use crate::text::Text;

impl Vendor {
    pub const fn credential_fields(self) -> &'static [CredentialField] {
        match self {
            Vendor::Apns => {
                const {
                    &[
                        CredentialField {
                            name: "team_id",
                            label: Text::new("团队 ID", "Team ID"),
                            help: Text::new("Apple 开发者账号的 10 位团队标识", "The 10-character team id of the Apple developer account"),
                            kind: FieldKind::Line,
                            check: Check::Alphanumeric { len: 10 },
                        },
                        CredentialField {
                            name: "key_id",
                            label: Text::new("密钥 ID", "Key ID"),
                            help: Text::new("p8 密钥的 10 位标识", "The 10-character id of the p8 key"),
                            kind: FieldKind::Line,
                            check: Check::Alphanumeric { len: 10 },
                        },
                        CredentialField {
                            name: "bundle_id",
                            label: Text::new("Bundle ID", "Bundle ID"),
                            help: Text::new("作为 apns-topic 发送", "Sent as apns-topic"),
                            kind: FieldKind::Line,
                            check: Check::ReverseDomain,
                        },
                        CredentialField {
                            name: "p8",
                            label: Text::new("p8 私钥", "p8 private key"),
                            help: Text::new("PEM 全文，以 BEGIN PRIVATE KEY 开头", "The whole PEM text, starting with BEGIN PRIVATE KEY"),
                            kind: FieldKind::SecretText,
                            check: Check::PemPrivateKey,
                        },
                    ]
                }
            }
            Vendor::Xiaomi => {
                const {
                    &[
                        CredentialField {
                            name: "package_name",
                            label: Text::new("包名", "Package name"),
                            help: Text::new("作为 restricted_package_name 发送", "Sent as restricted_package_name"),
                            kind: FieldKind::Line,
                            check: Check::ReverseDomain,
                        },
                        CredentialField {
                            name: "app_secret",
                            label: Text::new("AppSecret", "AppSecret"),
                            help: Text::new("小米开放平台的服务端密钥", "The server secret of the Xiaomi console"),
                            kind: FieldKind::Secret,
                            check: Check::Length { min: 8, max: 128 },
                        },
                        CredentialField {
                            name: "channel_id",
                            label: Text::new("默认通知渠道", "Default channel id"),
                            help: Text::new(
                                "extra.channel_id；文案没有指定时使用，小米要求必填",
                                "extra.channel_id, used when the copy names none; Xiaomi requires one",
                            ),
                            kind: FieldKind::Line,
                            check: Check::Length { min: 1, max: 64 },
                        },
                    ]
                }
            }
            Vendor::Fcm => {
                const {
                    &[
                        CredentialField {
                            name: "service_account",
                            label: Text::new("服务账号 JSON", "Service account JSON"),
                            help: Text::new("Firebase 控制台下载的密钥文件全文", "The whole key file from the Firebase console"),
                            kind: FieldKind::SecretText,
                            check: Check::ServiceAccount { keys: &["project_id", "client_email", "private_key", "token_uri"] },
                        },
                        CredentialField {
                            name: "channel_id",
                            label: Text::new("默认通知渠道", "Default channel id"),
                            help: Text::new("文案没有指定时使用（可空）", "Used when the copy names none (may be empty)"),
                            kind: FieldKind::Line,
                            check: Check::Length { min: 0, max: 64 },
                        },
                    ]
                }
            }
            Vendor::Huawei => {
                const {
                    &[
                        CredentialField {
                            name: "app_id",
                            label: Text::new("App ID", "App ID"),
                            help: Text::new("AppGallery Connect 中的应用 ID", "The app id in AppGallery Connect"),
                            kind: FieldKind::Line,
                            check: Check::Digits { max: 64 },
                        },
                        CredentialField {
                            name: "client_secret",
                            label: Text::new("Client Secret", "Client secret"),
                            help: Text::new("OAuth 客户端密钥", "The secret of the OAuth client"),
                            kind: FieldKind::Secret,
                            check: Check::Length { min: 8, max: 256 },
                        },
                        CredentialField {
                            name: "channel_id",
                            label: Text::new("默认通知渠道", "Default channel id"),
                            help: Text::new("文案没有指定时使用（可空）", "Used when the copy names none (may be empty)"),
                            kind: FieldKind::Line,
                            check: Check::Length { min: 0, max: 64 },
                        },
                        CredentialField {
                            name: "badge_class",
                            label: Text::new("角标入口类", "Badge class"),
                            help: Text::new("应用入口 Activity；留空则不发送角标", "The launcher activity; without it no badge is sent"),
                            kind: FieldKind::Line,
                            check: Check::Length { min: 0, max: 255 },
                        },
                        CredentialField {
                            name: "callback_user",
                            label: Text::new("回执用户名", "Receipt user name"),
                            help: Text::new(
                                "回执配置中的用户名；填写后校验签名（可空）",
                                "User name of the receipt configuration; with it signatures are checked (may be empty)",
                            ),
                            kind: FieldKind::Line,
                            check: Check::Length { min: 0, max: 128 },
                        },
                        CredentialField {
                            name: "callback_key",
                            label: Text::new("回执密钥", "Receipt key"),
                            help: Text::new("回执配置中的密钥（可空）", "Key of the receipt configuration (may be empty)"),
                            kind: FieldKind::Secret,
                            check: Check::Length { min: 0, max: 256 },
                        },
                    ]
                }
            }
            Vendor::Harmony => {
                const {
                    &[
                        CredentialField {
                            name: "service_account",
                            label: Text::new("服务账号 JSON", "Service account JSON"),
                            help: Text::new(
                                "华为开发者联盟 API Console 下载的密钥文件全文",
                                "The whole key file from the Huawei API console",
                            ),
                            kind: FieldKind::SecretText,
                            check: Check::ServiceAccount { keys: &["project_id", "key_id", "private_key", "sub_account"] },
                        },
                        CredentialField {
                            name: "callback_user",
                            label: Text::new("回执用户名", "Receipt user name"),
                            help: Text::new(
                                "回执配置中的用户名；填写后校验签名（可空）",
                                "User name of the receipt configuration; with it signatures are checked (may be empty)",
                            ),
                            kind: FieldKind::Line,
                            check: Check::Length { min: 0, max: 128 },
                        },
                        CredentialField {
                            name: "callback_key",
                            label: Text::new("回执密钥", "Receipt key"),
                            help: Text::new("回执配置中的密钥（可空）", "Key of the receipt configuration (may be empty)"),
                            kind: FieldKind::Secret,
                            check: Check::Length { min: 0, max: 256 },
                        },
                    ]
                }
            }
            Vendor::Honor => {
                const {
                    &[
                        CredentialField {
                            name: "app_id",
                            label: Text::new("App ID", "App ID"),
                            help: Text::new("荣耀开发者平台的应用 ID", "The app id of the Honor developer site"),
                            kind: FieldKind::Line,
                            check: Check::Length { min: 1, max: 64 },
                        },
                        CredentialField {
                            name: "client_id",
                            label: Text::new("Client ID", "Client ID"),
                            help: Text::new("OAuth 客户端 ID", "The id of the OAuth client"),
                            kind: FieldKind::Line,
                            check: Check::Length { min: 1, max: 128 },
                        },
                        CredentialField {
                            name: "client_secret",
                            label: Text::new("Client Secret", "Client secret"),
                            help: Text::new("OAuth 客户端密钥", "The secret of the OAuth client"),
                            kind: FieldKind::Secret,
                            check: Check::Length { min: 8, max: 256 },
                        },
                        CredentialField {
                            name: "badge_class",
                            label: Text::new("角标入口类", "Badge class"),
                            help: Text::new("应用入口 Activity；留空则不发送角标", "The launcher activity; without it no badge is sent"),
                            kind: FieldKind::Line,
                            check: Check::Length { min: 0, max: 255 },
                        },
                    ]
                }
            }
            Vendor::Oppo => {
                const {
                    &[
                        CredentialField {
                            name: "app_key",
                            label: Text::new("AppKey", "AppKey"),
                            help: Text::new("OPPO 开放平台的 AppKey", "The AppKey of the OPPO open platform"),
                            kind: FieldKind::Line,
                            check: Check::Length { min: 4, max: 128 },
                        },
                        CredentialField {
                            name: "master_secret",
                            label: Text::new("MasterSecret", "MasterSecret"),
                            help: Text::new("服务端密钥，不是 AppSecret", "The server secret, not the AppSecret"),
                            kind: FieldKind::Secret,
                            check: Check::Length { min: 8, max: 128 },
                        },
                        CredentialField {
                            name: "channel_id",
                            label: Text::new("默认通道", "Default channel id"),
                            help: Text::new("文案没有指定时使用（可空）", "Used when the copy names none (may be empty)"),
                            kind: FieldKind::Line,
                            check: Check::Length { min: 0, max: 64 },
                        },
                    ]
                }
            }
            Vendor::Vivo => {
                const {
                    &[
                        CredentialField {
                            name: "app_id",
                            label: Text::new("AppID", "AppID"),
                            help: Text::new("vivo 开放平台的数字应用 ID", "The numeric app id of the vivo open platform"),
                            kind: FieldKind::Line,
                            check: Check::Digits { max: 18 },
                        },
                        CredentialField {
                            name: "app_key",
                            label: Text::new("AppKey", "AppKey"),
                            help: Text::new("vivo 开放平台的 AppKey", "The AppKey of the vivo open platform"),
                            kind: FieldKind::Line,
                            check: Check::Length { min: 4, max: 128 },
                        },
                        CredentialField {
                            name: "app_secret",
                            label: Text::new("AppSecret", "AppSecret"),
                            help: Text::new("服务端密钥", "The server secret"),
                            kind: FieldKind::Secret,
                            check: Check::Length { min: 8, max: 128 },
                        },
                        CredentialField {
                            name: "callback_id",
                            label: Text::new("回执 ID", "Callback id"),
                            help: Text::new(
                                "控制台登记回执地址后得到；填写后批量推送也有回执（可空）",
                                "Given by the console for a registered receipt URL; with it list pushes have receipts too (may be empty)",
                            ),
                            kind: FieldKind::Line,
                            check: Check::Length { min: 0, max: 32 },
                        },
                    ]
                }
            }
            Vendor::Meizu => {
                const {
                    &[
                        CredentialField {
                            name: "app_id",
                            label: Text::new("AppID", "AppID"),
                            help: Text::new("魅族开放平台的数字应用 ID", "The numeric app id of the Meizu open platform"),
                            kind: FieldKind::Line,
                            check: Check::Digits { max: 18 },
                        },
                        CredentialField {
                            name: "app_secret",
                            label: Text::new("AppSecret", "AppSecret"),
                            help: Text::new("服务端密钥", "The server secret"),
                            kind: FieldKind::Secret,
                            check: Check::Length { min: 8, max: 128 },
                        },
                        CredentialField {
                            name: "receipt_token",
                            label: Text::new("回执令牌", "Receipt access token"),
                            help: Text::new(
                                "控制台登记回执地址时设置的 access token；填写后才请求回执并校验（可空）",
                                "The access token set with the receipt URL in the console; with it receipts are asked for and checked (may be empty)",
                            ),
                            kind: FieldKind::Secret,
                            check: Check::Length { min: 0, max: 256 },
                        },
                        CredentialField {
                            name: "pictures",
                            label: Text::new("大图", "Pictures"),
                            help: Text::new(
                                "有 VIP 权限填 yes；留空则不带图片",
                                "yes with the VIP right; empty = pushes go without their picture",
                            ),
                            kind: FieldKind::Line,
                            check: Check::Length { min: 0, max: 3 },
                        },
                    ]
                }
            }
            Vendor::Umeng => {
                const {
                    &[
                        CredentialField {
                            name: "appkey",
                            label: Text::new("AppKey", "AppKey"),
                            help: Text::new("友盟 Android 应用的 AppKey", "The AppKey of the Android app at Umeng"),
                            kind: FieldKind::Line,
                            check: Check::Length { min: 4, max: 64 },
                        },
                        CredentialField {
                            name: "app_master_secret",
                            label: Text::new("App Master Secret", "App master secret"),
                            help: Text::new("服务端密钥", "The server secret"),
                            kind: FieldKind::Secret,
                            check: Check::Length { min: 8, max: 128 },
                        },
                        CredentialField {
                            name: "channel_activity",
                            label: Text::new("离线通道页面", "Channel activity"),
                            help: Text::new(
                                "厂商通道通知打开的 Activity（可空）",
                                "The activity opened from a vendor notification (may be empty)",
                            ),
                            kind: FieldKind::Line,
                            check: Check::Length { min: 0, max: 255 },
                        },
                        CredentialField {
                            name: "receipts",
                            label: Text::new("回执", "Receipts"),
                            help: Text::new("购买了 U-Push Pro 填 yes，否则填 no", "yes with U-Push Pro, else no"),
                            kind: FieldKind::Line,
                            check: Check::OneOf(&["no", "yes"]),
                        },
                    ]
                }
            }
            Vendor::Getui => {
                const {
                    &[
                        CredentialField {
                            name: "app_id",
                            label: Text::new("AppID", "AppID"),
                            help: Text::new("个推 AppID", "The AppID at Getui"),
                            kind: FieldKind::Line,
                            check: Check::Length { min: 4, max: 64 },
                        },
                        CredentialField {
                            name: "app_key",
                            label: Text::new("AppKey", "AppKey"),
                            help: Text::new("个推 AppKey", "The AppKey at Getui"),
                            kind: FieldKind::Line,
                            check: Check::Length { min: 4, max: 64 },
                        },
                        CredentialField {
                            name: "master_secret",
                            label: Text::new("MasterSecret", "MasterSecret"),
                            help: Text::new("服务端密钥", "The server secret"),
                            kind: FieldKind::Secret,
                            check: Check::Length { min: 8, max: 128 },
                        },
                    ]
                }
            }
            Vendor::Jpush => {
                const {
                    &[
                        CredentialField {
                            name: "app_key",
                            label: Text::new("AppKey", "AppKey"),
                            help: Text::new("极光应用的 AppKey", "The AppKey at JPush"),
                            kind: FieldKind::Line,
                            check: Check::Length { min: 4, max: 64 },
                        },
                        CredentialField {
                            name: "master_secret",
                            label: Text::new("Master Secret", "Master secret"),
                            help: Text::new("服务端密钥", "The server secret"),
                            kind: FieldKind::Secret,
                            check: Check::Length { min: 8, max: 128 },
                        },
                        CredentialField {
                            name: "receipts",
                            label: Text::new("回执", "Receipts"),
                            help: Text::new("VIP 应用填 yes，否则填 no", "yes for a VIP app, else no"),
                            kind: FieldKind::Line,
                            check: Check::OneOf(&["no", "yes"]),
                        },
                    ]
                }
            }
        }
    }
}
