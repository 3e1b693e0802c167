//! A [`Problem`] as an HTTP answer: `application/problem+json`.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use types::problem::Problem;

/// For plain handlers of the console (uploads, downloads, event streams).
#[derive(Clone, Debug)]
pub struct ProblemAnswer {
    pub problem: Problem,
    pub request_id: String,
}

impl IntoResponse for ProblemAnswer {
    fn into_response(self) -> Response {
        let code = self.problem.code;
        let status = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = json!({
            "type": format!("/docs/problems#{}", code.slug()),
            "title": code.title().en,
            "status": status.as_u16(),
            "code": code.slug(),
            "detail": self.problem.detail,
            "errors": self.problem.errors,
            "request_id": self.request_id,
        });
        let mut response = (status, body.to_string()).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response
    }
}
