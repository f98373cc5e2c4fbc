//! How strictly rules are applied here: what an operator turned down or off while a cluster is being adopted.

use std::collections::HashMap;

use clap::ValueEnum;

use crate::rule::{Level, Rule};

/// What happens to objects with mistakes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Enforce {
    /// They are refused.
    #[default]
    Deny,
    /// They are admitted with warnings, and counted as refusals that would have been.
    Warn,
}

/// What is done about secrets that AWS does not give when a pod is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Preflight {
    /// AWS is not asked before a pod asks itself.
    Off,
    /// The pod is admitted with warnings, and waits.
    #[default]
    Warn,
    /// A pod that somebody makes by hand is refused; that of a controller is admitted, and waits.
    Deny,
}

/// The levels of rules here.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// What happens to objects with mistakes.
    pub enforce: Enforce,
    levels: HashMap<&'static str, Option<Level>>,
}

impl Policy {
    /// Gives a rule another level, or none: then it is off.
    pub fn set(&mut self, rule: &'static Rule, level: Option<Level>) {
        self.levels.insert(rule.id, level);
    }

    /// The level of a rule here; none if it is off.
    pub fn level(&self, rule: &Rule) -> Option<Level> {
        self.levels.get(rule.id).copied().unwrap_or(Some(rule.level))
    }

    /// The same levels with another enforcement.
    pub fn enforcing(&self, enforce: Enforce) -> Self {
        Self { enforce, levels: self.levels.clone() }
    }
}
