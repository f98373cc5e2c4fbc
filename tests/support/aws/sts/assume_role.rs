//! AssumeRole: the role's trust, the caller's own right, external id, session tags and transitive keys.
//!
//! Source: STS API Reference, `AssumeRole`; IAM User Guide, "Pass session tags in AWS STS".

use std::collections::{BTreeMap, BTreeSet};

use keyhatch::aws::tags::{self, MAX_TAGS};

use super::session::{self, Start};
use super::{Form, role, validation};
use crate::support::aws::answer::Element;
use crate::support::aws::error::AwsError;
use crate::support::aws::iam::{self, Ask, Context, Verdict};
use crate::support::aws::identity::{Identity, Principal};
use crate::support::aws::secrets_manager::caller_side;
use crate::support::aws::world::{Role, World};

pub(super) fn assume(world: &mut World, caller: &Identity, form: &Form) -> Result<Element, AwsError> {
    let arn = form.need("RoleArn")?;
    let name = session::name(form)?;
    let policy = session::policy(form)?;
    let asked = tags(form)?;
    let keys: BTreeSet<String> = form.list("TransitiveTagKeys", "").into_iter().map(str::to_owned).collect();
    if let Some(unknown) = keys.iter().find(|key| !asked.contains_key(*key)) {
        return Err(validation(format!("The transitive tag key {unknown} must be one of the session tags.")));
    }
    let Some((account, role_name, role)) = role(world, arn) else {
        return Err(denied(caller, "sts:AssumeRole", arn));
    };
    let context = context(caller, form, &name, &asked, &keys);
    let mut actions = vec!["sts:AssumeRole"];
    if !asked.is_empty() {
        actions.push("sts:TagSession");
    }
    for action in actions {
        if !is_trusted(world, caller, role, &account, arn, action, &context) {
            return Err(denied(caller, action, arn));
        }
    }
    let chained = matches!(caller.principal, Principal::Role { .. });
    let seconds = session::seconds(form, role, chained)?;
    let (tags, transitive) = inherit(caller, asked, keys)?;
    let start = Start { account, role_name, role, name, seconds, tags, transitive, policy };
    let (content, id, key) = session::begin(start, world.now())?;
    world.keys.insert(id, key);
    Ok(Element { operation: "AssumeRole", content })
}

/// The role must trust the caller; when it only trusts the caller's account, or is of another account, the
/// caller's own policies must allow it as well.
fn is_trusted(
    world: &World,
    caller: &Identity,
    role: &Role,
    account: &str,
    arn: &str,
    action: &str,
    context: &Context,
) -> bool {
    let principals = caller.names();
    let ask = Ask { action, resource: arn, principals: &principals, account: &caller.account, context };
    let own = caller_side(world, caller, &ask);
    match iam::resource_side(Some(&role.trust), &ask) {
        Verdict::Nothing | Verdict::Deny => false,
        Verdict::Allow if account == caller.account => own != Verdict::Deny,
        Verdict::Allow | Verdict::AllowAccount => own == Verdict::Allow,
    }
}

fn denied(caller: &Identity, action: &str, arn: &str) -> AwsError {
    let who = caller.arn();
    let message = format!("User: {who} is not authorized to perform: {action} on resource: {arn}");
    AwsError::new(403, "AccessDenied", message)
}

fn context(
    caller: &Identity,
    form: &Form,
    name: &str,
    tags: &BTreeMap<String, String>,
    transitive: &BTreeSet<String>,
) -> Context {
    let mut context = caller.context("");
    context.set("sts:RoleSessionName", name);
    if let Some(id) = form.get("ExternalId") {
        context.set("sts:ExternalId", id);
    }
    for (key, value) in tags {
        context.set(&format!("aws:RequestTag/{key}"), value.as_str());
    }
    if !tags.is_empty() {
        context.set_all("aws:TagKeys", tags.keys().cloned().collect());
    }
    if !transitive.is_empty() {
        context.set_all("sts:TransitiveTagKeys", transitive.iter().cloned().collect());
    }
    context
}

fn tags(form: &Form) -> Result<BTreeMap<String, String>, AwsError> {
    let keys = form.list("Tags", ".Key");
    let mut by_key = BTreeMap::new();
    for (number, key) in keys.iter().enumerate() {
        let value = form.get(&format!("Tags.member.{}.Value", number + 1)).unwrap_or_default();
        tags::check_of_session(key, value).map_err(|error| validation(format!("Tag {key:?}: {error}")))?;
        if by_key.insert((*key).to_owned(), value.to_owned()).is_some() {
            return Err(AwsError::new(
                400,
                "InvalidParameterValue",
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            ));
        }
    }
    if by_key.len() > MAX_TAGS {
        return Err(validation("A session has at most 50 tags."));
    }
    Ok(by_key)
}

/// What a session before this one handed on comes along and cannot be changed.
fn inherit(
    caller: &Identity,
    mut tags: BTreeMap<String, String>,
    mut transitive: BTreeSet<String>,
) -> Result<(BTreeMap<String, String>, BTreeSet<String>), AwsError> {
    for key in &caller.transitive {
        let Some(value) = caller.tags.get(key) else { continue };
        if tags.insert(key.clone(), value.clone()).is_some() {
            return Err(AwsError::new(
                400,
                "InvalidParameterValue",
                format!(
                    "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key \
                     from the calling session: {key}"
                ),
            ));
        }
        transitive.insert(key.clone());
    }
    Ok((tags, transitive))
}
