//! The API described: `/openapi.json`, and a page to read it at `/docs/api`.

use axum::Router;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::middleware::Next;
use axum::response::Response;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::messages;

const ABOUT: &str = "Push through one door. Every `/v1` call is signed (v1, HMAC-SHA256): headers `X-App-Key`, `X-Timestamp` (seconds), \
`X-Nonce` (16 to 64 characters, new for every call) and `X-Signature: v1=<hex>` over\n\n```\nv1\\nMETHOD\\npath\\ncanonical query\\ntimestamp\\nnonce\\nhex(sha256(body))\n```\n\n\
`docs/api.md` has the rules, `docs/signing-vectors.json` has vectors, `end2end/client/carillon.mjs` is a small client. Times are RFC 3339 with an offset. \
Errors are `application/problem+json` with a stable `code`; texts follow `Accept-Language` (`zh`, `en`). Unknown fields are refused. \
Lists have `after` and `size`, and answer with `next`. An app that calls too often gets 429 with `Retry-After`.";

#[derive(OpenApi)]
#[openapi(
    info(title = "Carillon", version = "1", license(name = "Apache-2.0", identifier = "Apache-2.0")),
    // These share one route with the plain id; see `messages::verb`.
    paths(messages::get, messages::cancel, messages::pause, messages::resume, messages::resend, messages::resend_silent),
    modifiers(&Signing),
    tags(
        (name = "messages", description = "Send, read, stop, send again"),
        (name = "dead letters", description = "Who could have been accepted and was not"),
        (name = "devices", description = "Installations and their tokens"),
        (name = "policy", description = "Quiet hours, caps, blacklist"),
        (name = "crowds", description = "Named sets of recipients, from files"),
        (name = "client", description = "For the library inside the app: client key, never the appSecret"),
        (name = "callbacks", description = "For vendors")
    ),
    security(("X-App-Key" = [], "X-Timestamp" = [], "X-Nonce" = [], "X-Signature" = []))
)]
struct Described;

struct Signing;

impl Modify for Signing {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let components = api.components.get_or_insert_default();
        for name in ["X-App-Key", "X-Timestamp", "X-Nonce", "X-Signature", "X-Client-Key"] {
            components.add_security_scheme(name, SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new(name))));
        }
    }
}

pub fn base() -> utoipa::openapi::OpenApi {
    let mut api = Described::openapi();
    api.info.description = Some(ABOUT.to_owned());
    api
}

pub fn router(described: utoipa::openapi::OpenApi) -> Router {
    let config = Config::default().try_it_out_enabled(false).supported_submit_methods(Vec::<String>::new()).use_base_layout();
    SwaggerUi::new("/docs/api").config(config).url("/openapi.json", described).into()
}

/// The page brings its own scripts and styles; it sets inline style attributes and draws `data:` pictures.
pub async fn own_policy(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let policy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; \
                  base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response
}
