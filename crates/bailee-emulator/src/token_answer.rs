use std::fmt::Write as _;

use serde_json::Value;

use crate::fault::Fault;
use crate::message::Answer;

/// The answer of a token endpoint (RFC 6749 §5.1), as ordered fields, so that faults can say what
/// no JSON library would write.
#[derive(Debug, Default)]
pub(crate) struct TokenAnswer(Vec<(String, String)>);

impl TokenAnswer {
    pub(crate) fn add(&mut self, key: &str, value: impl Into<Value>) {
        self.0.push((key.to_owned(), value.into().to_string()));
    }

    /// Renders the answer, misshapen by the fault if there is one of that kind.
    pub(crate) fn render(mut self, status: u16, fault: Option<&Fault>) -> Answer {
        match fault {
            Some(Fault::DuplicateKeys) => {
                let decoys = [
                    ("access_token".to_owned(), "\"first-of-two\"".to_owned()),
                    ("expires_in".to_owned(), "1".to_owned()),
                ];
                self.0.splice(0..0, decoys);
            }
            Some(Fault::ExpiresIn(raw)) => self.set("expires_in", raw.clone()),
            Some(Fault::Malformed) => {
                let token = self.raw("access_token").unwrap_or_default();
                let number = self.raw("expires_in").unwrap_or_else(|| "3600".to_owned());
                self.set("expires_in", token);
                self.set("access_token", number);
            }
            Some(Fault::TokenType(token_type)) => {
                self.set("token_type", Value::from(token_type.as_str()).to_string());
            }
            _ => {}
        }
        let mut body = String::from("{");
        for (at, (key, value)) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            let _ = write!(body, "{comma}\"{key}\":{value}");
        }
        body.push('}');
        Answer::new(status, "application/json", body).no_store().with("pragma", "no-cache")
    }

    fn raw(&self, key: &str) -> Option<String> {
        self.0.iter().find(|(found, _)| found == key).map(|(_, value)| value.clone())
    }

    fn set(&mut self, key: &str, raw: String) {
        match self.0.iter_mut().find(|(found, _)| found == key) {
            Some((_, value)) => *value = raw,
            None => self.0.push((key.to_owned(), raw)),
        }
    }
}
