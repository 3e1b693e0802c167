//! Does the link of a copy answer? Asked on a person's word only, by the guards that pictures are fetched by: https, never into this
//! machine's own network, each hop looked up and pinned, nothing read of the answer but its head.

use std::time::Duration;

use super::fetch::{Shut, client};

/// For one hop, head only.
const TIMEOUT: Duration = Duration::from_secs(5);
const HOPS: usize = 4;

/// What is known of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reached {
    /// The last status, and how often the address led on.
    Answers {
        status: u16,
        hops: usize,
    },
    /// Not https, or it names a user, or cannot be read.
    Form,
    UnknownHost,
    Private,
    TooLate,
    Refused,
    /// It leads on without an end, or to nowhere.
    Astray,
}

/// Asks `url`. `allowed` = hosts that may be of this network.
pub(super) async fn reach(url: &str, ca_pem: Option<&str>, allowed: &[String]) -> Reached {
    let Ok(mut at) = reqwest::Url::parse(url) else { return Reached::Form };
    for hops in 0..=HOPS {
        let client = match client(&at, ca_pem, allowed).await {
            Ok(client) => client,
            Err(Shut::Form) => return Reached::Form,
            Err(Shut::UnknownHost) => return Reached::UnknownHost,
            Err(Shut::Private) => return Reached::Private,
            Err(Shut::Client(words)) => {
                tracing::warn!(words, "no client for a link");
                return Reached::Refused;
            }
        };
        // Not HEAD: many web servers answer it otherwise than GET.
        let response = match tokio::time::timeout(TIMEOUT, client.get(at.clone()).send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) if error.is_timeout() => return Reached::TooLate,
            Ok(Err(_)) => return Reached::Refused,
            Err(_) => return Reached::TooLate,
        };
        let status = response.status();
        if !status.is_redirection() {
            return Reached::Answers { status: status.as_u16(), hops };
        }
        let to = response.headers().get(http::header::LOCATION).and_then(|to| to.to_str().ok());
        match to.and_then(|to| at.join(to).ok()) {
            Some(next) => at = next,
            None => return Reached::Astray,
        }
    }
    Reached::Astray
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn links_that_lead_inside_are_never_gone_to() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        for (url, want) in [
            ("https://127.0.0.1:1/a", Reached::Private),
            ("https://[::1]/a", Reached::Private),
            ("https://169.254.169.254/latest/meta-data", Reached::Private),
            ("https://localhost/a", Reached::Private),
            ("http://1.1.1.1/", Reached::Form),
            ("https://user:word@1.1.1.1/", Reached::Form),
            ("shop://order/1", Reached::Form),
            ("nothing", Reached::Form),
        ] {
            assert_eq!(reach(url, None, &[]).await, want, "{url}");
        }
        assert_eq!(reach("https://127.0.0.1:1/a", None, &["127.0.0.1".to_owned()]).await, Reached::Refused, "nobody listens");
    }
}
