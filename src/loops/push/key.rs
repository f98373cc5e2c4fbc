//! The key of version ids, in a Secret of our own, so that every replica that leads makes the same ids. Without it, or with
//! another, secrets are read once more, and nothing is written twice.

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use kube::api::{Api, ObjectMeta, PostParams};

use crate::cluster::{Trouble, TroubleKind};
use crate::leader::Guard;
use crate::loops::PUSH_SECRET as NAME;
use crate::push::token::Tokens;

use super::error::PushError;

/// The key in its data.
const KEY: &str = "token-key";
/// Bytes of the key.
const LENGTH: usize = 32;

/// Reads the key, or makes it.
pub(super) async fn tokens(client: &Client, guard: &Guard, namespace: &str) -> Result<Tokens, PushError> {
    let api = Api::<Secret>::namespaced(client.clone(), namespace);
    let told = |trouble| PushError::Cluster { object: format!("Secret {namespace}/{NAME}"), trouble };
    loop {
        let found = api.get_opt(NAME).await.map_err(|error| told(Trouble::from(&error)))?;
        if let Some(key) = found.as_ref().and_then(|secret| secret.data.as_ref()?.get(KEY)) {
            return Ok(Tokens::new(&key.0));
        }
        let mut key = vec![0; LENGTH];
        aws_lc_rs::rand::fill(&mut key).map_err(|_| PushError::NoRandom)?;
        let secret = Secret {
            metadata: ObjectMeta {
                name: Some(NAME.into()),
                namespace: Some(namespace.into()),
                resource_version: found.and_then(|secret| secret.metadata.resource_version),
                ..ObjectMeta::default()
            },
            data: Some([(KEY.to_owned(), ByteString(key))].into()),
            ..Secret::default()
        };
        let parameters = PostParams::default();
        let written = match secret.metadata.resource_version {
            None => guard.write(api.create(&parameters, &secret)).await?,
            Some(_) => guard.write(api.replace(NAME, &parameters, &secret)).await?,
        };
        match written.map_err(|error| Trouble::from(&error)) {
            Err(trouble) if trouble.kind != TroubleKind::Conflict => return Err(told(trouble)),
            // Another was faster: its key is read.
            Ok(_) | Err(_) => {}
        }
    }
}
