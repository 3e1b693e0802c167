//! The reasons of APNs, one table (`vendors/apns.md` section 4).

macro_rules! reasons {
    ($($name:ident $status:literal,)*) => {
        /// Why APNs refuses.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Reason { $($name,)* }

        impl Reason {
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Reason::$name => stringify!($name),)* }
            }

            pub(crate) const fn status(self) -> u16 {
                match self { $(Reason::$name => $status,)* }
            }

            pub(crate) fn parse(text: &str) -> Option<Reason> {
                match text { $(stringify!($name) => Some(Reason::$name),)* _ => None }
            }
        }
    };
}

reasons! {
    BadCollapseId 400,
    BadDeviceToken 400,
    BadExpirationDate 400,
    BadMessageId 400,
    BadPriority 400,
    BadTopic 400,
    DeviceTokenNotForTopic 400,
    DuplicateHeaders 400,
    IdleTimeout 400,
    InvalidPushType 400,
    MissingDeviceToken 400,
    MissingTopic 400,
    PayloadEmpty 400,
    TopicDisallowed 400,
    BadCertificate 403,
    BadCertificateEnvironment 403,
    ExpiredProviderToken 403,
    Forbidden 403,
    InvalidProviderToken 403,
    MissingProviderToken 403,
    UnrelatedKeyIdInToken 403,
    BadEnvironmentKeyIdInToken 403,
    BadEnvironmentKeyInToken 403,
    BadPath 404,
    MethodNotAllowed 405,
    ExpiredToken 410,
    Unregistered 410,
    PayloadTooLarge 413,
    TooManyProviderTokenUpdates 429,
    TooManyRequests 429,
    InternalServerError 500,
    ServiceUnavailable 503,
    Shutdown 503,
}

impl Reason {
    /// Reasons that speak of the token, not of the request.
    pub(crate) const fn about_token(self) -> bool {
        matches!(
            self,
            Reason::BadDeviceToken
                | Reason::DeviceTokenNotForTopic
                | Reason::MissingDeviceToken
                | Reason::ExpiredToken
                | Reason::Unregistered
        )
    }
}
