//! What the browser may know when something fails: a [`Problem`], never an inner error.

use leptos::server_fn::codec::JsonEncoding;
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
use serde::{Deserialize, Serialize};
use types::problem::{Code, Problem};
use types::text::{Lang, Words};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{problem}")]
pub struct AppError {
    pub problem: Problem,
    /// To find the request in the logs; set by the server for inner errors.
    pub request_id: Option<String>,
}

impl AppError {
    pub fn new(code: Code) -> AppError {
        Problem::new(code).into()
    }

    /// One sentence: the detail when there is one, else the title of the code.
    pub fn sentence(&self, lang: Lang) -> String {
        match &self.problem.detail {
            Some(detail) => detail.get(lang).to_owned(),
            None => self.problem.code.title().get(lang).to_owned(),
        }
    }

    /// The complaint about one field.
    pub fn about(&self, field: &str, lang: Lang) -> Option<String> {
        self.problem.errors.iter().find(|e| e.field == field).map(|e| e.reason.get(lang).to_owned())
    }
}

impl From<Problem> for AppError {
    fn from(problem: Problem) -> AppError {
        AppError { problem, request_id: None }
    }
}

impl FromServerFnError for AppError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(value: ServerFnErrorErr) -> Self {
        let problem = match value {
            ServerFnErrorErr::Request(_) => Problem::because(
                Code::Unavailable,
                Words::new("连接不上服务器，请检查网络后重试", "The server cannot be reached; check the network and try again"),
            ),
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) => Problem::new(Code::InvalidBody),
            // The words of the rest may hold inner details.
            _ => Problem::new(Code::Internal),
        };
        problem.into()
    }
}
