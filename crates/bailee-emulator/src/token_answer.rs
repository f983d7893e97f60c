use std::fmt::Write as _;

use serde_json::Value;
use url::form_urlencoded;

use crate::fault::Fault;
use crate::message::Answer;

/// The answer of a token endpoint (RFC 6749 §5.1), as ordered fields, so that faults can say what
/// no JSON library would write.
#[derive(Clone, Debug, Default)]
pub(crate) struct TokenAnswer(Vec<(String, Field)>);

/// How a token answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Form,
    Json,
}

#[derive(Clone, Debug)]
enum Field {
    /// An array of objects.
    Array(Vec<TokenAnswer>),
    Object(TokenAnswer),
    /// JSON as it will be written, or what a fault made of it.
    Raw(String),
}

impl TokenAnswer {
    pub(crate) fn add(&mut self, key: &str, value: impl Into<Value>) {
        self.0.push((key.to_owned(), Field::Raw(value.into().to_string())));
    }

    /// Adds an object in which tokens may be, and which faults reach.
    pub(crate) fn add_object(&mut self, key: &str, object: Self) {
        self.0.push((key.to_owned(), Field::Object(object)));
    }

    /// Adds an array of such objects.
    pub(crate) fn add_array(&mut self, key: &str, objects: Vec<Self>) {
        self.0.push((key.to_owned(), Field::Array(objects)));
    }

    /// Renders the answer as JSON, misshapen by the fault if there is one of that kind.
    pub(crate) fn render(self, status: u16, fault: Option<&Fault>) -> Answer {
        self.render_as(Encoding::Json, status, fault)
    }

    /// Renders the answer, misshapen by the fault if there is one of that kind.
    pub(crate) fn render_as(
        mut self,
        encoding: Encoding,
        status: u16,
        fault: Option<&Fault>,
    ) -> Answer {
        if let Some(fault) = fault {
            self.misshape(fault);
        }
        let answer = match encoding {
            Encoding::Form => Answer::new(status, "application/x-www-form-urlencoded", self.form()),
            Encoding::Json => Answer::new(status, "application/json", self.json()),
        };
        answer.no_store().with("pragma", "no-cache")
    }

    /// Misshapes the first object that has an access token. Returns whether there is one.
    fn misshape(&mut self, fault: &Fault) -> bool {
        if self.raw("access_token").is_none() {
            return self.0.iter_mut().any(|(_, field)| match field {
                Field::Array(objects) => objects.iter_mut().any(|object| object.misshape(fault)),
                Field::Object(object) => object.misshape(fault),
                Field::Raw(_) => false,
            });
        }
        match fault {
            Fault::DuplicateKeys => {
                let decoys = [
                    ("access_token".to_owned(), Field::Raw("\"first-of-two\"".to_owned())),
                    ("expires_in".to_owned(), Field::Raw("1".to_owned())),
                ];
                self.0.splice(0..0, decoys);
            }
            Fault::ExpiresIn(raw) => self.set("expires_in", raw.clone()),
            Fault::Malformed => {
                let token = self.raw("access_token").unwrap_or_default();
                let number = self.raw("expires_in").unwrap_or_else(|| "3600".to_owned());
                self.set("expires_in", token);
                self.set("access_token", number);
            }
            Fault::TokenType(token_type) => {
                self.set("token_type", Value::from(token_type.as_str()).to_string());
            }
            _ => {}
        }
        true
    }

    fn json(&self) -> String {
        let mut body = String::from("{");
        for (at, (key, field)) in self.0.iter().enumerate() {
            let value = match field {
                Field::Array(objects) => {
                    let objects: Vec<_> = objects.iter().map(Self::json).collect();
                    format!("[{}]", objects.join(","))
                }
                Field::Object(object) => object.json(),
                Field::Raw(raw) => raw.clone(),
            };
            let comma = if at == 0 { "" } else { "," };
            let _ = write!(body, "{comma}\"{key}\":{value}");
        }
        body.push('}');
        body
    }

    /// A form has texts only: strings lose their quotes, everything else is written as in JSON.
    fn form(&self) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        for (key, field) in &self.0 {
            if let Field::Raw(raw) = field {
                match serde_json::from_str(raw) {
                    Ok(Value::String(text)) => form.append_pair(key, &text),
                    _ => form.append_pair(key, raw),
                };
            }
        }
        form.finish()
    }

    fn raw(&self, key: &str) -> Option<String> {
        self.0.iter().find(|(found, _)| found == key).and_then(|(_, field)| match field {
            Field::Raw(raw) => Some(raw.clone()),
            Field::Array(_) | Field::Object(_) => None,
        })
    }

    fn set(&mut self, key: &str, raw: String) {
        match self.0.iter_mut().find(|(found, _)| found == key) {
            Some((_, field)) => *field = Field::Raw(raw),
            None => self.0.push((key.to_owned(), Field::Raw(raw))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> TokenAnswer {
        let mut answer = TokenAnswer::default();
        answer.add("access_token", "a b&c");
        answer.add("expires_in", 60);
        answer
    }

    fn body(answer: TokenAnswer, encoding: Encoding, fault: &Fault) -> String {
        String::from_utf8(answer.render_as(encoding, 200, Some(fault)).body).unwrap()
    }

    #[test]
    fn a_form_is_misshapen_as_json_is() {
        let form = |fault: Fault| body(tokens(), Encoding::Form, &fault);
        assert_eq!(form(Fault::ExpiresIn("-5".into())), "access_token=a+b%26c&expires_in=-5");
        assert_eq!(form(Fault::Malformed), "access_token=60&expires_in=a+b%26c");
        assert_eq!(form(Fault::DuplicateKeys).matches("access_token=").count(), 2);
        assert!(form(Fault::TokenType("mac".into())).ends_with("&token_type=mac"));
    }

    #[test]
    fn a_fault_reaches_the_object_that_has_the_token() {
        let mut outer = TokenAnswer::default();
        outer.add("ok", true);
        outer.add_array("data", vec![tokens()]);
        let json = body(outer, Encoding::Json, &Fault::ExpiresIn("null".into()));
        assert_eq!(
            json,
            "{\"ok\":true,\"data\":[{\"access_token\":\"a b&c\",\"expires_in\":null}]}"
        );
    }
}
