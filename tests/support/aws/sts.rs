//! STS: AssumeRole, AssumeRoleWithWebIdentity and GetCallerIdentity; a form in, XML out.

#[path = "sts/assume_role.rs"]
mod assume_role;
#[path = "sts/session.rs"]
mod session;
#[path = "sts/web_identity.rs"]
pub(super) mod web_identity;

use std::collections::BTreeMap;

use super::answer::{Element, element};
use super::error::AwsError;
use super::identity::Identity;
use super::operation::Operation;
use super::world::{Role, World};

pub(super) fn perform(
    world: &mut World,
    caller: &Identity,
    operation: Operation,
    form: &Form,
) -> Result<Element, AwsError> {
    match operation {
        Operation::AssumeRole => assume_role::assume(world, caller, form),
        // Needs no permission, and cannot be denied.
        Operation::GetCallerIdentity => Ok(Element {
            operation: "GetCallerIdentity",
            content: [
                element("UserId", &caller.user_id),
                element("Account", &caller.account),
                element("Arn", &caller.arn()),
            ]
            .concat(),
        }),
        other => Err(AwsError::new(400, "InvalidAction", format!("{other} cannot be signed for"))),
    }
}

/// A query in the form of AWS's query protocol: `Tags.member.1.Key=team`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Form(BTreeMap<String, String>);

impl Form {
    pub(super) fn read(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// # Errors
    /// When it is not there.
    fn need(&self, name: &str) -> Result<&str, AwsError> {
        self.get(name).ok_or_else(|| {
            let message = format!(
                "1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not \
                 be null"
            );
            AwsError::new(400, "ValidationError", message)
        })
    }

    /// The members of a list, `suffix` being what follows the number.
    fn list(&self, name: &str, suffix: &str) -> Vec<&str> {
        (1..).map_while(|number| self.get(&format!("{name}.member.{number}{suffix}"))).collect()
    }
}

fn validation(message: impl Into<String>) -> AwsError {
    AwsError::new(400, "ValidationError", message)
}

/// Account and state of a role; a role that is not there looks like one that does not trust the caller.
fn role<'a>(world: &'a World, arn: &str) -> Option<(String, String, &'a Role)> {
    let account = arn.split(':').nth(4)?;
    let name = arn.rsplit('/').next()?;
    let role = world.accounts.get(account)?.roles.get(name)?;
    (role.arn(account, name) == arn).then(|| (account.to_owned(), name.to_owned(), role))
}
