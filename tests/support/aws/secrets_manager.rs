//! Secrets Manager: one operation on the world, for a caller whose signature was right.
//!
//! Each operation first checks the bounds of its parameters, then asks IAM, then looks whether the secret is there:
//! a caller without the right to read a name does not learn whether it exists.

#[path = "secrets_manager/deletion.rs"]
mod deletion;
#[path = "secrets_manager/list.rs"]
mod list;
#[path = "secrets_manager/read.rs"]
mod read;
#[path = "secrets_manager/replicas.rs"]
mod replicas;
#[path = "secrets_manager/resource_policy.rs"]
mod resource_policy;
#[path = "secrets_manager/stages.rs"]
mod stages;
#[path = "secrets_manager/tags.rs"]
mod tags;
#[path = "secrets_manager/write.rs"]
mod write;

use k8s_openapi::jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::AwsError;
use super::iam::{self, Ask, Context, Policy, Verdict};
use super::identity::Identity;
use super::operation::Operation;
use super::secret::{Secret, partition};
use super::world::{Place, World};

pub(super) fn perform(
    world: &mut World,
    caller: &Identity,
    region: &str,
    operation: Operation,
    input: Value,
) -> Result<Value, AwsError> {
    let now = world.now();
    let mut desk = Desk { world, caller, region, now };
    let desk = &mut desk;
    match operation {
        Operation::GetSecretValue => read::get_secret_value(desk, &parse(input)?),
        Operation::BatchGetSecretValue => read::batch_get_secret_value(desk, &parse(input)?),
        Operation::DescribeSecret => read::describe_secret(desk, &parse(input)?),
        Operation::ListSecretVersionIds => read::list_secret_version_ids(desk, &parse(input)?),
        Operation::ListSecrets => list::list_secrets(desk, &parse(input)?),
        Operation::CreateSecret => write::create_secret(desk, parse(input)?),
        Operation::PutSecretValue => write::put_secret_value(desk, parse(input)?),
        Operation::UpdateSecret => write::update_secret(desk, parse(input)?),
        Operation::UpdateSecretVersionStage => stages::update_secret_version_stage(desk, &parse(input)?),
        Operation::TagResource => tags::tag_resource(desk, &parse(input)?),
        Operation::UntagResource => tags::untag_resource(desk, &parse(input)?),
        Operation::DeleteSecret => deletion::delete_secret(desk, &parse(input)?),
        Operation::RestoreSecret => deletion::restore_secret(desk, &parse(input)?),
        Operation::GetResourcePolicy => resource_policy::get_resource_policy(desk, &parse(input)?),
        Operation::PutResourcePolicy => resource_policy::put_resource_policy(desk, parse(input)?),
        Operation::DeleteResourcePolicy => resource_policy::delete_resource_policy(desk, &parse(input)?),
        Operation::ReplicateSecretToRegions => replicas::replicate_secret_to_regions(desk, &parse(input)?),
        Operation::RemoveRegionsFromReplication => {
            replicas::remove_regions_from_replication(desk, &parse(input)?)
        }
        Operation::AssumeRole | Operation::AssumeRoleWithWebIdentity | Operation::GetCallerIdentity => {
            Err(AwsError::serialization("an operation of STS"))
        }
    }
}

fn parse<T: DeserializeOwned>(input: Value) -> Result<T, AwsError> {
    serde_json::from_value(input).map_err(AwsError::serialization)
}

/// Where one caller is served, in one region, at one time.
struct Desk<'a> {
    world: &'a mut World,
    caller: &'a Identity,
    region: &'a str,
    now: Timestamp,
}

/// Most operations name one secret and nothing else that IAM looks at.
#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OneSecret {
    secret_id: String,
}

impl Desk<'_> {
    /// The secret that is named, when the caller may do that with it. `more` is what the request adds to the
    /// condition keys.
    fn open(&self, operation: Operation, id: &str, more: &[(&str, String)]) -> Result<Place, AwsError> {
        self.open_in(operation, id, self.context(more))
    }

    /// The same for what may only be changed where the secret was made.
    fn open_primary(
        &self,
        operation: Operation,
        id: &str,
        more: &[(&str, String)],
    ) -> Result<Place, AwsError> {
        self.open_primary_in(operation, id, self.context(more))
    }

    fn open_primary_in(&self, operation: Operation, id: &str, context: Context) -> Result<Place, AwsError> {
        let place = self.open_in(operation, id, context)?;
        if self.world.secret(&place)?.region == self.region {
            return Ok(place);
        }
        Err(AwsError::invalid_parameter(
            "Operation not permitted on a replica secret. Call must be made in primary secret's region.",
        ))
    }

    fn open_in(&self, operation: Operation, id: &str, mut context: Context) -> Result<Place, AwsError> {
        check_length("secretId", id, 1, 2048)?;
        let place = self.world.find(&self.caller.account, self.region, id);
        context.set("secretsmanager:SecretId", id);
        self.authorize(&operation.action(), id, place.as_ref(), context)?;
        place.ok_or_else(AwsError::not_found)
    }

    fn context(&self, more: &[(&str, String)]) -> Context {
        let mut context = self.caller.context(self.region);
        for (key, value) in more {
            context.set(key, value.as_str());
        }
        context
    }

    /// Asks IAM about an action on a secret, or on the name that a secret would have.
    fn authorize(
        &self,
        action: &str,
        id: &str,
        place: Option<&Place>,
        mut context: Context,
    ) -> Result<(), AwsError> {
        let secret = place.and_then(|place| self.world.secret(place).ok());
        let arn = secret.map_or_else(|| self.arn_of_missing(id), |secret| secret.arn_in(self.region));
        if let Some(secret) = secret {
            describe(secret, &mut context);
        }
        let same_account = secret.is_none_or(|secret| secret.account == self.caller.account);
        let policy = secret.and_then(|secret| secret.policy.as_deref());
        let policy = policy.and_then(|text| Policy::parse(text).ok());
        self.ask(action, &arn, &context, policy.as_ref(), same_account)
    }

    /// Asks IAM about an action that has no resource.
    fn authorize_any(&self, action: &str) -> Result<(), AwsError> {
        self.ask(action, "*", &self.context(&[]), None, true)
    }

    fn ask(
        &self,
        action: &str,
        resource: &str,
        context: &Context,
        policy: Option<&Policy>,
        same_account: bool,
    ) -> Result<(), AwsError> {
        let principals = self.caller.names();
        let ask = Ask { action, resource, principals: &principals, account: &self.caller.account, context };
        let identity = caller_side(self.world, self.caller, &ask);
        iam::decide(identity, iam::resource_side(policy, &ask), same_account).map_err(|refusal| {
            let (who, why) = (self.caller.arn(), refusal.because(action));
            AwsError::denied(format!(
                "User: {who} is not authorized to perform: {action} on resource: {resource} {why}"
            ))
        })
    }

    fn arn_of_missing(&self, id: &str) -> String {
        if id.starts_with("arn:") {
            return id.to_owned();
        }
        let (region, account) = (self.region, &self.caller.account);
        format!("arn:{}:secretsmanager:{region}:{account}:secret:{id}", partition(region))
    }
}

/// The caller's own policies, cut down by the policy of the session.
pub(super) fn caller_side(world: &World, caller: &Identity, ask: &Ask<'_>) -> Verdict {
    let own = iam::identity_side(world.policies(caller), ask);
    match caller.session_policy.as_ref().map(|policy| iam::identity_side([policy], ask)) {
        None => own,
        Some(Verdict::Deny) => Verdict::Deny,
        Some(Verdict::Allow) => own,
        Some(Verdict::Nothing | Verdict::AllowAccount) if own == Verdict::Deny => own,
        Some(Verdict::Nothing | Verdict::AllowAccount) => Verdict::Nothing,
    }
}

/// What conditions can look at on a secret.
fn describe(secret: &Secret, context: &mut Context) {
    for (key, value) in &secret.tags {
        context.set(&format!("secretsmanager:ResourceTag/{key}"), value.as_str());
        context.set(&format!("aws:ResourceTag/{key}"), value.as_str());
    }
    context.set("secretsmanager:SecretPrimaryRegion", secret.region.as_str());
    context.set("aws:ResourceAccount", secret.account.as_str());
}

fn check_length(member: &str, text: &str, least: usize, most: usize) -> Result<(), AwsError> {
    let length = text.chars().count();
    if length < least {
        let constraint = format!("Member must have length greater than or equal to {least}");
        return Err(AwsError::validation(member, &constraint));
    }
    if length > most {
        let constraint = format!("Member must have length less than or equal to {most}");
        return Err(AwsError::validation(member, &constraint));
    }
    Ok(())
}

/// Seconds since 1970, as JSON 1.1 writes a time.
fn seconds(time: Timestamp) -> Value {
    let milliseconds = time.as_millisecond();
    Value::from(std::time::Duration::from_millis(milliseconds.unsigned_abs()).as_secs_f64())
}
