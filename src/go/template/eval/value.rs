//! What a template computes with, as far as Go's types can be told apart.

use std::collections::BTreeMap;

/// A value. Go's strings can hold any bytes; these hold text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// Nothing: `nil`, and a key that the data does not have.
    Nil,
    Bool(bool),
    Number(i64, Integer),
    Text(String),
    List(Vec<Self>),
    /// The data, and what `split` makes.
    Map(BTreeMap<String, String>),
}

/// Go's type of a number: a function that wants one takes no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Integer {
    Int,
    Int64,
    /// A byte of a text.
    Uint8,
}

impl Value {
    pub(super) const fn int(number: i64) -> Self {
        Self::Number(number, Integer::Int)
    }

    pub(super) const fn int64(number: i64) -> Self {
        Self::Number(number, Integer::Int64)
    }

    pub(super) fn texts(texts: impl IntoIterator<Item = String>) -> Self {
        Self::List(texts.into_iter().map(Self::Text).collect())
    }

    /// Whether an if takes it for true; also whether sprig takes it for set.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(truth) => *truth,
            Self::Number(number, _) => *number != 0,
            Self::Text(text) => !text.is_empty(),
            Self::List(list) => !list.is_empty(),
            Self::Map(map) => !map.is_empty(),
        }
    }

    /// The name of its type, for messages.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Nil => "nil",
            Self::Bool(_) => "bool",
            Self::Number(_, Integer::Int) => "int",
            Self::Number(_, Integer::Int64) => "int64",
            Self::Number(_, Integer::Uint8) => "uint8",
            Self::Text(_) => "text",
            Self::List(_) => "list",
            Self::Map(_) => "map",
        }
    }

    /// About the bytes that it takes in memory.
    pub(super) fn size(&self) -> usize {
        const OWN: usize = size_of::<Value>();
        OWN + match self {
            Self::Nil | Self::Bool(_) | Self::Number(..) => 0,
            Self::Text(text) => text.len(),
            Self::List(list) => list.iter().map(Self::size).sum(),
            Self::Map(map) => map.iter().map(|(key, value)| key.len() + value.len() + 2 * OWN).sum(),
        }
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
