//! Scripts: lines in, calls out; and answers in one line, without what differs from run to run.
//!
//! A line is an operation with its parameters, `PutSecretValue SecretId=$a SecretString="b c"`; a parameter that is
//! a list is repeated, and what follows the parameters is a comment. `$` stands for the script's own prefix of
//! names, `t:1` for a ClientRequestToken, `arn:$a` for the ARN of a secret that was made, `arn:$a~` for the same
//! without its suffix, `next` for the last NextToken, `x*100` for a hundred times the letter. `Region Is=…` and
//! `As Is=session` change where, and as whom, the following calls are made.

use std::fmt::Debug;

use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use regex::Regex;

use super::Side;
use crate::aws_sdk::code;

/// A line.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    operation: String,
    parameters: Vec<(String, String)>,
}

impl Command {
    /// `None` for empty lines and comments.
    pub(crate) fn read(line: &str) -> Option<Self> {
        let words = Regex::new(r#"(\w+)=(?:"([^"]*)"|(\S*))"#).unwrap();
        let operation = line.split(' ').next().filter(|word| !word.is_empty() && *word != "#")?;
        let parameter = |found: regex::Captures<'_>| {
            let value = found.get(2).or_else(|| found.get(3)).map_or("", |value| value.as_str());
            (found[1].to_owned(), value.to_owned())
        };
        let parameters = words.captures_iter(line).map(parameter).collect();
        Some(Self { operation: operation.to_owned(), parameters })
    }

    pub(crate) fn operation(&self) -> &str {
        &self.operation
    }

    /// With names, tokens and ARNs in full.
    pub(crate) fn fill_in(&self, side: &Side) -> Self {
        let value = |value: &str| match value {
            "next" => side.next_token.clone().expect("a token of the call before"),
            _ => match value.strip_prefix("arn:$") {
                Some(name) => {
                    let (name, partial) = name.strip_suffix('~').map_or((name, false), |name| (name, true));
                    let arn = side.arn(&side.names.long(name));
                    if partial { arn.rsplit_once('-').unwrap().0.to_owned() } else { arn.to_owned() }
                }
                None => side.names.lengthen(value),
            },
        };
        let parameters = self.parameters.iter().map(|(key, text)| (key.clone(), value(text))).collect();
        Self { operation: self.operation.clone(), parameters }
    }

    pub(crate) fn get(&self, key: &str) -> Option<String> {
        self.parameters.iter().find(|(one, _)| one == key).map(|(_, value)| value.clone())
    }

    pub(crate) fn need(&self, key: &str) -> &str {
        let found = self.parameters.iter().find(|(one, _)| one == key);
        found.map(|(_, value)| value.as_str()).unwrap_or_else(|| panic!("{self:?} has no {key}"))
    }

    pub(crate) fn all(&self, key: &str) -> Option<Vec<String>> {
        let values: Vec<String> =
            self.parameters.iter().filter(|(one, _)| one == key).map(|(_, value)| value.clone()).collect();
        Some(values).filter(|values| !values.is_empty())
    }

    /// `Tags=key:value`.
    pub(crate) fn pairs(&self, key: &str) -> Option<Vec<(String, String)>> {
        let pair = |text: String| {
            let (key, value) = text.rsplit_once(':').unwrap_or((&text, ""));
            (key.to_owned(), value.to_owned())
        };
        self.all(key).map(|all| all.into_iter().map(pair).collect())
    }

    pub(crate) fn number<T: std::str::FromStr<Err: Debug>>(&self, key: &str) -> Option<T> {
        self.get(key).map(|text| text.parse().unwrap())
    }
}

/// Short names of a script for the long ones on the wire.
pub(crate) struct Names(String);

impl Names {
    pub(crate) fn new(script: &str) -> Self {
        Self(format!("kh-{script}/"))
    }

    fn long(&self, name: &str) -> String {
        format!("{}{name}", self.0)
    }

    fn lengthen(&self, text: &str) -> String {
        let text = text.replace('$', &self.0);
        let text =
            Regex::new(r"\bt:(\d)\b").unwrap().replace_all(&text, "00000000-0000-0000-0000-00000000000$1");
        let times = Regex::new(r"(\w)\*(\d+)").unwrap();
        times
            .replace_all(&text, |found: &regex::Captures<'_>| found[1].repeat(found[2].parse().unwrap()))
            .into_owned()
    }

    /// The other way round; what is random becomes `?`.
    pub(crate) fn shorten(&self, text: &str) -> String {
        let arn = Regex::new(r"arn:aws:secretsmanager:([a-z0-9-]+):\d{12}:secret:([^ ]+)-[A-Za-z0-9]{6}\b")
            .unwrap();
        let token = Regex::new(r"00000000-0000-0000-0000-00000000000(\d)").unwrap();
        let random = Regex::new(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").unwrap();
        let text = arn.replace_all(text, "arn:$1:$2");
        let text = token.replace_all(&text, "t:$1");
        random.replace_all(&text, "t:?").replace(&self.0, "$")
    }
}

/// An answer: its members in the order in which they are said.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    members: Vec<(&'static str, String)>,
    pub(crate) next_token: Option<String>,
}

impl Answer {
    /// A refusal is its code.
    pub(crate) fn of<T, E, R>(result: Result<T, SdkError<E, R>>, say: impl FnOnce(T, &mut Self)) -> Self
    where
        T: Debug,
        E: ProvideErrorMetadata + Debug,
        R: Debug,
    {
        let mut answer = Self::default();
        let code = code(&result).to_owned();
        match result {
            Ok(output) => say(output, &mut answer),
            Err(error) => {
                assert!(matches!(error, SdkError::ServiceError(_)), "{error:?}");
                answer.say("refused", Some(code));
            }
        }
        answer
    }

    pub(crate) fn say(&mut self, name: &'static str, value: Option<impl Into<String>>) {
        self.members.extend(value.map(|value| (name, value.into())));
    }

    /// A list in an order that does not depend on the side.
    pub(crate) fn list(&mut self, name: &'static str, mut values: Vec<String>) {
        values.sort();
        self.members.push((name, format!("[{}]", values.join(" "))));
    }

    /// The same in the order in which it came.
    pub(crate) fn ordered(&mut self, name: &'static str, values: &[String]) {
        self.members.push((name, format!("[{}]", values.join(" "))));
    }

    pub(crate) fn more(&mut self, token: Option<String>) {
        self.next_token = token.filter(|token| !token.is_empty());
        self.say("NextToken", self.next_token.as_ref().map(|_| "…"));
    }

    /// Name and ARN, when it has both.
    pub(crate) fn named(&self) -> Option<(String, String)> {
        let member = |name| self.members.iter().find(|(one, _)| *one == name).map(|(_, value)| value.clone());
        Some((member("Name")?, member("ARN")?))
    }

    pub(crate) fn text(&self) -> String {
        let members: Vec<String> =
            self.members.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if members.is_empty() { "done".to_owned() } else { members.join(" ") }
    }
}

/// Days from now, for a date that depends on when the test runs.
pub(crate) fn days(date: Option<&aws_sdk_secretsmanager::primitives::DateTime>) -> Option<String> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    let days = |date: &aws_sdk_secretsmanager::primitives::DateTime| (date.as_secs_f64() - now) / 86_400.0;
    date.map(|date| format!("+{:.0}d", days(date).abs()))
}
