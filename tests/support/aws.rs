//! An AWS on 127.0.0.1: Secrets Manager and STS at the level of the wire, in memory.
//!
//! It is for tests, for `make demo` and for `make dev`. Any AWS SDK speaks to it through its endpoint URL. It checks
//! signatures, evaluates IAM policies and keeps AWS's quotas and token rules, so that what works here works there;
//! `tests/it/aws_behaviour.rs` holds it to moto. It also counts, and breaks things on demand.
//!
//! ```ignore
//! let aws = Aws::start();
//! let account = aws.account("111122223333");
//! account.secret("db", r#"{"user": "admin"}"#);
//! let keys = account.user("reader", &[policy]);
//! aws.fault(Operation::GetSecretValue, Fault::Throttle { share: 0.3 });
//! assert_eq!(aws.calls().of("GetSecretValue").count(), 1);
//! ```
//!
//! - [`account`]: what is set up; [`world`], [`secret`], [`identity`]: what is remembered
//! - [`server`], [`pipeline`]: sockets, and the way of one request; [`signature`], [`answer`], [`error`],
//!   [`refusal`]: the wire
//! - [`iam`]: who may do what
//! - [`secrets_manager`], [`sts`]: the operations
//! - [`calls`], [`fault`], [`quota`]: what is counted, broken, limited

#[path = "aws/account.rs"]
pub(crate) mod account;
#[path = "aws/answer.rs"]
mod answer;
#[path = "aws/calls.rs"]
pub(crate) mod calls;
#[path = "aws/error.rs"]
mod error;
#[path = "aws/fault.rs"]
pub(crate) mod fault;
#[path = "aws/iam.rs"]
pub(crate) mod iam;
#[path = "aws/identity.rs"]
mod identity;
#[path = "aws/operation.rs"]
pub(crate) mod operation;
#[path = "aws/pipeline.rs"]
mod pipeline;
#[path = "aws/quota.rs"]
pub(crate) mod quota;
#[path = "aws/refusal.rs"]
mod refusal;
#[path = "aws/secret.rs"]
pub(crate) mod secret;
#[path = "aws/secrets_manager.rs"]
mod secrets_manager;
#[path = "aws/server.rs"]
mod server;
#[path = "aws/signature.rs"]
mod signature;
#[path = "aws/sts.rs"]
mod sts;
#[path = "aws/world.rs"]
pub(crate) mod world;

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::jiff::SignedDuration;

use account::Account;
use calls::Calls;
use fault::Fault;
use operation::Operation;
use pipeline::Service;
use server::Server;

/// Where [`Account`] puts and looks for secrets unless it is told otherwise.
pub(crate) const DEFAULT_REGION: &str = "eu-central-1";

/// A running AWS; it ends when it is dropped.
pub(crate) struct Aws {
    server: Server,
    service: Arc<Service>,
}

impl Aws {
    /// Starts on a free port, with no account in it.
    pub(crate) fn start() -> Self {
        let service = Arc::new(Service::default());
        let server = Server::start(Arc::clone(&service)).expect("a port of 127.0.0.1");
        Self { server, service }
    }

    /// The endpoint of every service in every region.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// The account with this number, which exists as soon as it is named.
    pub(crate) fn account(&self, id: &str) -> Account {
        self.service.state().world.account(id);
        Account { id: id.to_owned(), service: Arc::clone(&self.service) }
    }

    /// Breaks every further call of an operation.
    pub(crate) fn fault(&self, operation: Operation, fault: Fault) {
        self.service.state().faults.add(operation, fault, None);
    }

    /// Breaks the next calls of an operation only.
    pub(crate) fn fault_times(&self, operation: Operation, fault: Fault, times: usize) {
        self.service.state().faults.add(operation, fault, Some(times));
    }

    /// Breaks every further call of every operation.
    pub(crate) fn fault_everything(&self, fault: &Fault) {
        Operation::ALL.iter().for_each(|&operation| self.fault(operation, fault.clone()));
    }

    /// No fault any more.
    pub(crate) fn heal(&self) {
        self.service.state().faults.clear();
    }

    /// Whether AWS's request quotas are kept; they are from the beginning.
    pub(crate) fn keep_quotas(&self, on: bool) {
        self.service.state().quotas.switch(on);
    }

    /// Every call so far.
    pub(crate) fn calls(&self) -> Calls {
        Calls(self.service.state().calls.clone())
    }

    /// Counts from nothing again.
    pub(crate) fn forget_calls(&self) {
        self.service.state().calls.clear();
    }

    /// Puts its clock forward: sessions expire, recovery windows pass, versions grow old.
    pub(crate) fn advance(&self, time: Duration) {
        let state = &mut self.service.state();
        state.world.ahead += SignedDuration::try_from(time).expect("a time that a clock can be put forward");
    }
}
