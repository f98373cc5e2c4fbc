//! What Keyhatch needs of the cluster, asked for now and then: its rights, and the six kinds.
//!
//! Neither ends the server. A right that is missing would be told only when it is needed, which may be at the next
//! rotation; a kind that is not installed has no objects, so nothing is amiss until it is.

mod right;
pub mod rights;

use std::time::Duration;

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::Client;
use kube::api::{Api, PostParams};
use tokio::time::{sleep, timeout};

use crate::api::{GROUP, Kind};
use crate::cluster::Trouble;
use crate::health::Part;
use rights::Right;

/// What is missing is asked for again after this, if not earlier.
const SOON: Duration = Duration::from_secs(5);
/// An API server that does not answer in this time has not answered.
const PATIENCE: Duration = Duration::from_secs(10);

/// What to ask for.
#[derive(Clone, Debug)]
pub struct Needs {
    /// All rights, by what we were told to do.
    pub rights: Vec<Right>,
    /// How often.
    pub every: Duration,
}

/// Asks, and tells both parts, until it is dropped. Without a cluster nothing is needed of it.
pub async fn follow(client: Option<Client>, needs: Needs, rights: Part, kinds: Part) {
    let Some(client) = client else { return std::future::pending().await };
    loop {
        let has_rights = tell(&rights, "missing", missing_rights(&client, &needs.rights)).await;
        let has_kinds = tell(&kinds, "not installed", missing_kinds(&client)).await;
        sleep(if has_rights && has_kinds { needs.every } else { needs.every.min(SOON) }).await;
    }
}

/// Answers whether nothing is missing.
async fn tell(part: &Part, what: &str, missing: impl Future<Output = kube::Result<Vec<String>>>) -> bool {
    match timeout(PATIENCE, missing).await {
        Ok(Ok(missing)) if missing.is_empty() => {
            part.works();
            return true;
        }
        Ok(Ok(missing)) => part.fails(&format!("{what}: {}", missing.join(", "))),
        Ok(Err(error)) => part.fails(&format!("cannot be asked for: {}", Trouble::from(&error))),
        Err(_) => part.fails(&format!("cannot be asked for: {}", Trouble::silence())),
    }
    false
}

async fn missing_rights(client: &Client, rights: &[Right]) -> kube::Result<Vec<String>> {
    let reviews = Api::<SelfSubjectAccessReview>::all(client.clone());
    let mut missing = Vec::new();
    for right in rights {
        let answer = reviews.create(&PostParams::default(), &review(right)).await?;
        if !answer.status.is_some_and(|status| status.allowed) {
            missing.push(right.to_string());
        }
    }
    Ok(missing)
}

fn review(right: &Right) -> SelfSubjectAccessReview {
    let Right { flow: _, verb, group, resource, namespace, name } = right;
    let (resource, subresource) = match resource.split_once('/') {
        Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
        None => (*resource, None),
    };
    let attributes = ResourceAttributes {
        verb: Some((*verb).to_owned()),
        group: Some((*group).to_owned()),
        resource: Some(resource.to_owned()),
        subresource,
        namespace: namespace.clone(),
        name: name.clone(),
        ..ResourceAttributes::default()
    };
    let spec = SelfSubjectAccessReviewSpec { resource_attributes: Some(attributes), ..Default::default() };
    SelfSubjectAccessReview { spec, ..Default::default() }
}

/// Every authenticated user may ask for this.
async fn missing_kinds(client: &Client) -> kube::Result<Vec<String>> {
    let mut served = Vec::new();
    for version in ["v1", "v1alpha1"] {
        match client.list_api_group_resources(&format!("{GROUP}/{version}")).await {
            Ok(list) => served.extend(list.resources.into_iter().map(|resource| (version, resource.name))),
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(error) => return Err(error),
        }
    }
    let is_served = |kind: &Kind| {
        served.iter().any(|(version, name)| *version == kind.version() && name == kind.plural())
    };
    Ok(Kind::ALL.iter().filter(|kind| !is_served(kind)).map(Kind::to_string).collect())
}
