//! The wire to the simulator's control API: plain HTTP, JSON, as `docs/simulator.md` says it.

use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;
use types::problem::{Code, Problem};
use types::text::Words;

const PATIENCE: Duration = Duration::from_secs(10);

pub struct Wire {
    pub address: String,
    client: OnceLock<reqwest::Client>,
}

impl Wire {
    pub fn new(address: &str) -> Wire {
        Wire { address: address.trim_end_matches('/').to_owned(), client: OnceLock::new() }
    }

    /// Made at the first question: most houses have no laboratory.
    #[expect(clippy::disallowed_methods, reason = "the simulator's control API is no vendor; no push goes this way")]
    fn client(&self) -> Result<&reqwest::Client, Problem> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let made = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).timeout(PATIENCE).build();
        let made = made.map_err(|error| self.silent(&error))?;
        Ok(self.client.get_or_init(|| made))
    }

    fn silent(&self, error: &dyn std::fmt::Display) -> Problem {
        tracing::warn!(address = self.address, %error, "the simulator does not answer");
        let address = &self.address;
        Problem::because(
            Code::Unavailable,
            Words::new(
                format!("仿真器 {address} 没有回答；请确认它在运行"),
                format!("The simulator at {address} does not answer; see that it runs"),
            ),
        )
    }

    pub async fn get(&self, path: &str) -> Result<Value, Problem> {
        let request = self.client()?.get(format!("{}/simulator/{path}", self.address));
        self.answer(request).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, Problem> {
        let request = self.client()?.post(format!("{}/simulator/{path}", self.address)).json(body);
        self.answer(request).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Result<Value, Problem> {
        let request = self.client()?.patch(format!("{}/simulator/{path}", self.address)).json(body);
        self.answer(request).await
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<Value, Problem> {
        let response = request.send().await.map_err(|error| self.silent(&error))?;
        let status = response.status();
        let said: Value = response.json().await.map_err(|error| self.silent(&error))?;
        if status.is_success() {
            return Ok(said);
        }
        let why = said["error"].as_str().unwrap_or("").to_owned();
        let code = if status.as_u16() == 404 { Code::NotFound } else { Code::InvalidBody };
        Err(Problem::because(code, Words::new(format!("仿真器拒绝：{why}"), format!("The simulator refuses: {why}"))))
    }
}
