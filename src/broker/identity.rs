//! Who asks: a token in, the pod that it speaks for out, by the API server's word. Answers are kept by the token's
//! hash, for a short time.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec, TokenReviewStatus};
use keyhatch_agent::AUDIENCE;
use kube::Client;
use kube::api::{Api, PostParams};
use tokio::sync::Semaphore;

use super::api::{self, SHORT};
use super::kept::{Kept, Limits};
use super::reason::{Denial, Reason};
use super::token::Claims;

/// How long the API server's yes and its no are believed.
const YES: Duration = Duration::from_secs(30);
const NO: Duration = Duration::from_secs(10);
/// Tokens that are remembered. Names are the API server's, which are short.
const LIMITS: Limits<Result<Arc<Caller>, Denial>> = Limits { most: 20_000, bytes: 32 << 20, weigh: |_| 1024 };
/// Reviews under way at the same time: forged tokens cost the API server a check of their signature each.
const AT_ONCE: usize = 32;

/// A pod, as its token was found to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    pub(super) namespace: String,
    pub(super) pod: String,
    pub(super) uid: String,
    pub(super) account: String,
    /// As RBAC knows the ServiceAccount.
    pub(super) user: String,
    pub(super) user_uid: Option<String>,
    pub(super) groups: Vec<String>,
}

impl Caller {
    /// Who a pod will be that is not made yet, as far as its ServiceAccount says.
    pub(super) fn before_its_pod(namespace: &str, account: &str) -> Self {
        let groups = ["system:serviceaccounts", "system:authenticated"].map(str::to_owned).into_iter();
        Self {
            namespace: namespace.to_owned(),
            pod: String::new(),
            uid: String::new(),
            account: account.to_owned(),
            user: format!("system:serviceaccount:{namespace}:{account}"),
            user_uid: None,
            groups: groups.chain([format!("system:serviceaccounts:{namespace}")]).collect(),
        }
    }
}

/// Everybody who asked lately.
#[derive(Debug)]
pub(super) struct Identities {
    reviews: Api<TokenReview>,
    kept: Kept<[u8; 32], Result<Arc<Caller>, Denial>>,
    under_way: Semaphore,
}

impl Identities {
    pub(super) fn new(client: Client) -> Self {
        Self { reviews: Api::all(client), kept: Kept::new(LIMITS), under_way: Semaphore::new(AT_ONCE) }
    }

    /// The pod of a token; `claims` are what the token says.
    pub(super) async fn caller(&self, token: &str, claims: &Claims) -> Result<Arc<Caller>, Denial> {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        self.kept.get(&hash, || self.ask(token, claims)).await
    }

    async fn ask(&self, token: &str, claims: &Claims) -> (Result<Arc<Caller>, Denial>, Duration) {
        let _slot = self.under_way.acquire().await;
        let spec = TokenReviewSpec { token: Some(token.to_owned()), audiences: Some(vec![AUDIENCE.into()]) };
        let review = TokenReview { spec, ..TokenReview::default() };
        let parameters = PostParams::default();
        match api::answer("a review of the token", self.reviews.create(&parameters, &review)).await {
            Ok(review) => match caller(review.status.unwrap_or_default(), claims) {
                Ok(caller) => (Ok(Arc::new(caller)), YES),
                Err(denial) => (Err(denial), NO),
            },
            Err(denial) => (Err(denial), SHORT),
        }
    }
}

/// Reads the API server's word. Nothing of the claims is believed that it does not say itself.
fn caller(status: TokenReviewStatus, claims: &Claims) -> Result<Caller, Denial> {
    let TokenReviewStatus { audiences, authenticated, error: _, user } = status;
    let refused = || Denial::new(Reason::TokenRefused, "the API server does not accept the token");
    let is_ours = audiences.unwrap_or_default().iter().any(|audience| audience == AUDIENCE);
    let user = user.filter(|_| authenticated == Some(true) && is_ours).ok_or_else(refused)?;
    let extra = user.extra.unwrap_or_default();
    let extra = |name: &str| {
        let key = format!("authentication.kubernetes.io/{name}");
        extra.get(&key).and_then(|values| values.first()).cloned()
    };
    let unbound = || Denial::new(Reason::TokenUnbound, "the token is not bound to a pod");
    let (pod, uid) = (extra("pod-name").ok_or_else(unbound)?, extra("pod-uid").ok_or_else(unbound)?);
    let user_name = user.username.unwrap_or_default();
    let account = user_name.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':'));
    let (namespace, account) = account.ok_or_else(refused)?;
    let Claims { namespace: claimed, pod: claimed_pod, uid: claimed_uid, account: claimed_account } = claims;
    if (namespace, &pod, &uid, account) != (claimed.as_str(), claimed_pod, claimed_uid, claimed_account) {
        return Err(refused());
    }
    Ok(Caller {
        namespace: namespace.to_owned(),
        account: account.to_owned(),
        user: user_name.clone(),
        user_uid: user.uid,
        groups: user.groups.unwrap_or_default(),
        pod,
        uid,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_caller_is_what_the_api_server_says_and_nothing_less() {
        let claims = Claims {
            namespace: "team-a".into(),
            pod: "app-1".into(),
            uid: "u-1".into(),
            account: "app".into(),
        };
        let status = |change: &dyn Fn(&mut serde_json::Value)| {
            let mut status = json!({"authenticated": true, "audiences": [AUDIENCE], "user": {
                "username": "system:serviceaccount:team-a:app", "uid": "u-2",
                "groups": ["system:serviceaccounts"], "extra": {
                    "authentication.kubernetes.io/pod-name": ["app-1"],
                    "authentication.kubernetes.io/pod-uid": ["u-1"]}}});
            change(&mut status);
            caller(serde_json::from_value(status).unwrap(), &claims).map_err(|denial| denial.reason)
        };
        assert_eq!(status(&|_| ()).unwrap().user, "system:serviceaccount:team-a:app");
        for (pointer, value, reason) in [
            ("/authenticated", json!(false), Reason::TokenRefused),
            ("/audiences", json!(["other"]), Reason::TokenRefused),
            ("/user/username", json!("admin"), Reason::TokenRefused),
            ("/user/username", json!("system:serviceaccount:team-b:app"), Reason::TokenRefused),
            ("/user/extra", json!({}), Reason::TokenUnbound),
            ("/user/extra/authentication.kubernetes.io~1pod-uid", json!([]), Reason::TokenUnbound),
            ("/user/extra/authentication.kubernetes.io~1pod-uid", json!(["u-9"]), Reason::TokenRefused),
        ] {
            let answer = status(&|status| *status.pointer_mut(pointer).unwrap() = value.clone());
            assert_eq!(answer.unwrap_err(), reason, "{pointer} {value}");
        }
    }
}
