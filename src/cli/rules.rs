//! The flags about rules, which `serve` and `check` share.

use clap::Args;

use crate::api::secret_store::Adopt;
use crate::policy::{Enforce, Policy};
use crate::rule::{Level, Rule};
use crate::suggest;
use crate::validate::{Settings, rules};

/// Which rules apply, and how strictly.
#[derive(Debug, Args)]
pub(super) struct RuleFlags {
    /// Give a rule another level: off, warn or deny. Can be repeated. `keyhatch explain` lists the rules.
    #[arg(long = "rule", value_name = "ID=LEVEL", value_parser = rule_level)]
    rules: Vec<(&'static Rule, Option<Level>)>,
    /// Let ExternalSecrets write other kinds than Secret; set it if the operator runs with this flag, too.
    #[arg(long)]
    unsafe_allow_generic_targets: bool,
}

impl RuleFlags {
    /// What rules depend on, with mistakes refused or not, and with the loops' choice of objects.
    pub(super) fn settings(self, enforce: Enforce, adopt: Adopt) -> Settings {
        let mut policy = Policy::default().enforcing(enforce);
        for (rule, level) in self.rules {
            policy.set(rule, level);
        }
        Settings { allow_generic_targets: self.unsafe_allow_generic_targets, adopt, policy }
    }
}

fn rule_level(text: &str) -> Result<(&'static Rule, Option<Level>), String> {
    let (id, level) = text.split_once('=').ok_or("write ID=off, ID=warn or ID=deny")?;
    let all = rules();
    let Some(rule) = all.iter().find(|rule| rule.id == id) else {
        return Err(match suggest::nearest(id, all.iter().map(|rule| rule.id)) {
            Some(near) => format!("no rule is called {id}; did you mean {near}?"),
            None => format!("no rule is called {id}; `keyhatch explain` lists them"),
        });
    };
    match level {
        "off" => Ok((rule, None)),
        "warn" => Ok((rule, Some(Level::Warn))),
        "deny" => Ok((rule, Some(Level::Deny))),
        other => Err(format!("{other} is no level; write {id}=off, {id}=warn or {id}=deny")),
    }
}
