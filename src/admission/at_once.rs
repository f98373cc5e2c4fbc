//! The common case in one pass over the bytes: a review of an object with nothing to tell about it.
//!
//! Reading an object piece by piece, as [`super::decide`] does to tell what is wrong with it, passes over the text once
//! for the review, once for the object and once for the spec, which costs more than all rules together.

use super::review::{self, Request};
use super::subject;
use crate::api::Kind;
use crate::api::cluster_external_secret::ClusterExternalSecretSpec;
use crate::api::cluster_push_secret::ClusterPushSecretSpec;
use crate::api::external_secret::ExternalSecretSpec;
use crate::api::push_secret::PushSecretSpec;
use crate::api::secret_store::{ClusterSecretStoreSpec, SecretStoreSpec};
use crate::object::{Envelope, Object, Once};
use crate::validate::{Context, Spec, is_silent};

/// The request of a review whose object is admitted without a word; `None` says nothing: decide.
pub fn admitted_at_once<'a>(body: &'a str, context: &Context<'_>) -> Option<Request<'a>> {
    let kind = review::kind_in_prefix(body)?;
    match kind {
        Kind::SecretStore => read::<SecretStoreSpec>(kind, body, context),
        Kind::ClusterSecretStore => read::<ClusterSecretStoreSpec>(kind, body, context),
        Kind::ExternalSecret => read::<ExternalSecretSpec>(kind, body, context),
        Kind::ClusterExternalSecret => read::<ClusterExternalSecretSpec>(kind, body, context),
        Kind::PushSecret => read::<PushSecretSpec>(kind, body, context),
        Kind::ClusterPushSecret => read::<ClusterPushSecretSpec>(kind, body, context),
    }
}

/// The kind was a guess, so it is compared with what the review says once that has been read.
fn read<'a, T: Spec>(kind: Kind, body: &'a str, context: &Context<'_>) -> Option<Request<'a>> {
    let request: Request<'a, Envelope<'a, Once<T>>> = review::parse(body).ok()?;
    let (request, object) = request.take_object();
    if subject(&request).ok()? != Some(kind) {
        return None;
    }
    let object = Object::new(kind, object?);
    (object.is_deleting() || is_silent(&object, context)).then_some(request)
}
