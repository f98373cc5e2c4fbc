//! Policy documents: JSON in, statements out, and what a document says to a question.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::condition::{self, matches_glob};
use super::{Ask, Verdict};

/// A policy document.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Policy {
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    id: Option<String>,
    statement: OneOrMany<Statement>,
}

/// One statement.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Statement {
    #[serde(default)]
    sid: Option<String>,
    pub(crate) effect: Effect,
    #[serde(default)]
    principal: Option<Value>,
    #[serde(default)]
    action: OneOrMany<String>,
    #[serde(default)]
    not_action: OneOrMany<String>,
    #[serde(default)]
    resource: OneOrMany<String>,
    #[serde(default)]
    not_resource: OneOrMany<String>,
    #[serde(default)]
    condition: BTreeMap<String, BTreeMap<String, OneOrMany<Scalar>>>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub(crate) enum Effect {
    Allow,
    Deny,
}

/// IAM takes one string where it takes a list.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMany<T> {
    Many(Vec<T>),
    One(T),
}

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl<T> OneOrMany<T> {
    pub(super) fn as_slice(&self) -> &[T] {
        match self {
            Self::Many(many) => many,
            Self::One(one) => std::slice::from_ref(one),
        }
    }
}

/// Conditions take booleans and numbers without quotes.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Scalar {
    Text(String),
    Bool(bool),
    Number(serde_json::Number),
}

impl Scalar {
    pub(super) fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Bool(value) => value.to_string(),
            Self::Number(value) => value.to_string(),
        }
    }
}

impl Policy {
    /// Reads a document.
    ///
    /// # Errors
    /// Says what is not a policy about it, or which condition operator this evaluator does not know.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let policy: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        for statement in policy.statement.as_slice() {
            if statement.action.as_slice().is_empty() == statement.not_action.as_slice().is_empty() {
                return Err("a statement has either Action or NotAction".to_owned());
            }
            statement.condition.keys().try_for_each(|operator| condition::check(operator))?;
        }
        Ok(policy)
    }

    /// Whether it allows something to everybody, without any condition.
    pub(crate) fn is_public(&self) -> bool {
        let everybody = |one: &Statement| {
            one.effect == Effect::Allow && one.condition.is_empty() && one.names_everybody()
        };
        self.statement.as_slice().iter().any(everybody)
    }

    /// What it says as a policy of the caller.
    pub(super) fn of_identity(&self, ask: &Ask<'_>) -> Verdict {
        self.strongest(|statement| {
            (statement.names_resource(ask) && statement.applies(ask)).then_some(Verdict::Allow)
        })
    }

    /// What it says as a policy of the resource, which is therefore not looked at.
    pub(super) fn of_resource(&self, ask: &Ask<'_>) -> Verdict {
        self.strongest(|statement| statement.names_principal(ask).filter(|_| statement.applies(ask)))
    }

    fn strongest(&self, says: impl Fn(&Statement) -> Option<Verdict>) -> Verdict {
        let verdict = |statement: &Statement| match (says(statement), statement.effect) {
            (None, _) => Verdict::Nothing,
            (Some(_), Effect::Deny) => Verdict::Deny,
            (Some(allow), Effect::Allow) => allow,
        };
        self.statement.as_slice().iter().map(verdict).max().unwrap_or(Verdict::Nothing)
    }
}

impl Statement {
    fn applies(&self, ask: &Ask<'_>) -> bool {
        self.names_action(ask)
            && self.condition.iter().all(|(operator, keys)| {
                keys.iter()
                    .all(|(key, wanted)| condition::holds(operator, key, wanted.as_slice(), ask.context))
            })
    }

    fn names_action(&self, ask: &Ask<'_>) -> bool {
        let asked = ask.action.to_lowercase();
        let names = |list: &OneOrMany<String>| {
            list.as_slice().iter().any(|one| matches_glob(&one.to_lowercase(), &asked))
        };
        match self.not_action.as_slice() {
            [] => names(&self.action),
            _ => !names(&self.not_action),
        }
    }

    fn names_resource(&self, ask: &Ask<'_>) -> bool {
        let names = |list: &OneOrMany<String>| {
            list.as_slice().iter().any(|one| {
                condition::fill_in(one, ask.context).is_some_and(|glob| matches_glob(&glob, ask.resource))
            })
        };
        match self.not_resource.as_slice() {
            [] => names(&self.resource),
            _ => !names(&self.not_resource),
        }
    }

    /// How exactly the caller is named, if at all.
    fn names_principal(&self, ask: &Ask<'_>) -> Option<Verdict> {
        if self.names_everybody() {
            return Some(Verdict::Allow);
        }
        let named = self.principals();
        let is_account =
            |one: &String| *one == ask.account || one.ends_with(&format!(":iam::{}:root", ask.account));
        if named.iter().any(|one| ask.principals.contains(one)) {
            Some(Verdict::Allow)
        } else {
            named.iter().any(is_account).then_some(Verdict::AllowAccount)
        }
    }

    fn names_everybody(&self) -> bool {
        self.principals().iter().any(|one| one == "*")
    }

    /// Every name of every kind of principal: their forms do not overlap.
    fn principals(&self) -> Vec<String> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let list = |value: &Value| match value {
            Value::Array(values) => values.iter().filter_map(text).collect(),
            value => text(value).into_iter().collect::<Vec<_>>(),
        };
        match &self.principal {
            Some(Value::Object(kinds)) => kinds.values().flat_map(list).collect(),
            Some(value) => list(value),
            None => Vec::new(),
        }
    }
}
