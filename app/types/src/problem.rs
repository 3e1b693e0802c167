//! Errors a caller may see: a stable code, who must act, words in both languages. One enum, one catalogue.

use serde::{Deserialize, Serialize};

use crate::field::FieldError;
use crate::text::Text;

/// Stable codes of `application/problem+json` and of the console's errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    SignatureMissing,
    SignatureWrong,
    TimestampOutOfRange,
    NonceUsed,
    AppUnknown,
    ClientKeyWrong,
    NotSignedIn,
    SignInWrong,
    NotAllowed,
    NotFound,
    InvalidFields,
    InvalidBody,
    TooLarge,
    Conflict,
    IdempotencyConflict,
    WrongState,
    TooManyRequests,
    Unavailable,
    Internal,
}

impl Code {
    pub const ALL: [Code; 19] = [
        Code::SignatureMissing,
        Code::SignatureWrong,
        Code::TimestampOutOfRange,
        Code::NonceUsed,
        Code::AppUnknown,
        Code::ClientKeyWrong,
        Code::NotSignedIn,
        Code::SignInWrong,
        Code::NotAllowed,
        Code::NotFound,
        Code::InvalidFields,
        Code::InvalidBody,
        Code::TooLarge,
        Code::Conflict,
        Code::IdempotencyConflict,
        Code::WrongState,
        Code::TooManyRequests,
        Code::Unavailable,
        Code::Internal,
    ];

    pub const fn slug(self) -> &'static str {
        match self {
            Code::SignatureMissing => "signature_missing",
            Code::SignatureWrong => "signature_wrong",
            Code::TimestampOutOfRange => "timestamp_out_of_range",
            Code::NonceUsed => "nonce_used",
            Code::AppUnknown => "app_unknown",
            Code::ClientKeyWrong => "client_key_wrong",
            Code::NotSignedIn => "not_signed_in",
            Code::SignInWrong => "sign_in_wrong",
            Code::NotAllowed => "not_allowed",
            Code::NotFound => "not_found",
            Code::InvalidFields => "invalid_fields",
            Code::InvalidBody => "invalid_body",
            Code::TooLarge => "too_large",
            Code::Conflict => "conflict",
            Code::IdempotencyConflict => "idempotency_conflict",
            Code::WrongState => "wrong_state",
            Code::TooManyRequests => "too_many_requests",
            Code::Unavailable => "unavailable",
            Code::Internal => "internal",
        }
    }

    pub const fn status(self) -> u16 {
        match self {
            Code::SignatureMissing
            | Code::SignatureWrong
            | Code::TimestampOutOfRange
            | Code::NonceUsed
            | Code::AppUnknown
            | Code::ClientKeyWrong
            | Code::NotSignedIn
            | Code::SignInWrong => 401,
            Code::NotAllowed => 403,
            Code::NotFound => 404,
            Code::InvalidFields => 422,
            Code::InvalidBody => 400,
            Code::TooLarge => 413,
            Code::Conflict | Code::IdempotencyConflict | Code::WrongState => 409,
            Code::TooManyRequests => 429,
            Code::Unavailable => 503,
            Code::Internal => 500,
        }
    }

    pub const fn title(self) -> Text {
        match self {
            Code::SignatureMissing => Text::new("缺少签名头", "A signature header is missing"),
            Code::SignatureWrong => Text::new("签名不符", "The signature does not match"),
            Code::TimestampOutOfRange => Text::new("时间戳超出 ±300 秒", "The timestamp is more than 300 s away"),
            Code::NonceUsed => Text::new("随机串已用过", "The nonce was used before"),
            Code::AppUnknown => Text::new("appKey 不存在", "The appKey is unknown"),
            Code::ClientKeyWrong => Text::new("客户端密钥不符", "The client key does not match"),
            Code::NotSignedIn => Text::new("请先登录", "Please sign in"),
            Code::SignInWrong => Text::new("邮箱或密码不对", "E-mail or password is wrong"),
            Code::NotAllowed => Text::new("没有权限", "Your role does not allow this"),
            Code::NotFound => Text::new("不存在", "Not found"),
            Code::InvalidFields => Text::new("有字段需要修改", "Some fields need a change"),
            Code::InvalidBody => Text::new("请求内容读不懂", "The body cannot be read"),
            Code::TooLarge => Text::new("超过大小上限", "Over the size limit"),
            Code::Conflict => Text::new("与现有数据冲突", "Conflicts with what is there"),
            Code::IdempotencyConflict => {
                Text::new("同一 Idempotency-Key 用于不同内容", "The same Idempotency-Key was used with another body")
            }
            Code::WrongState => Text::new("当前状态不能这样做", "Not possible in the present state"),
            Code::TooManyRequests => Text::new("请求过于频繁，请稍后再试", "Too many requests; try again later"),
            Code::Unavailable => Text::new("暂时不可用，请稍后再试", "Unavailable for now; try again later"),
            Code::Internal => Text::new("内部错误，请带上请求编号报告", "Internal error; report it with the request id"),
        }
    }
}

/// A problem with its particulars. `detail` says what and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code:?}: {}", .detail.as_ref().map_or("", |d| d.en.as_str()))]
pub struct Problem {
    pub code: Code,
    pub detail: Option<crate::text::Words>,
    pub errors: Vec<FieldError>,
}

impl Problem {
    pub fn new(code: Code) -> Problem {
        Problem { code, detail: None, errors: Vec::new() }
    }

    pub fn because(code: Code, detail: impl Into<crate::text::Words>) -> Problem {
        Problem { code, detail: Some(detail.into()), errors: Vec::new() }
    }

    pub fn fields(errors: Vec<FieldError>) -> Problem {
        Problem { code: Code::InvalidFields, detail: None, errors }
    }

    pub fn field(field: impl Into<String>, reason: impl Into<crate::text::Words>) -> Problem {
        Problem::fields(vec![FieldError::new(field, reason)])
    }
}
