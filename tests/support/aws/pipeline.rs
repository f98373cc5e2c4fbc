//! One request: understood, signed, logged, broken on purpose, within its quota, answered.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::request::Parts;
use axum::response::Response;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::answer::{self, Answer};
use super::calls::Call;
use super::error::AwsError;
use super::fault::{Fault, Faults};
use super::identity::Identity;
use super::operation::{Operation, Service as Protocol};
use super::quota::Quotas;
use super::server::Connection;
use super::signature::Signed;
use super::sts::{Form, web_identity};
use super::world::World;
use super::{refusal, secrets_manager, sts};

/// A secret is 64 KiB at most, a policy 20 KiB; base64 and escapes come on top.
const MOST_BYTES: usize = 1024 * 1024;
/// How far the signer's clock may be off.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// What answers.
#[derive(Default)]
pub(crate) struct Service(Mutex<State>);

/// Everything behind the lock.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) world: World,
    pub(crate) faults: Faults,
    pub(crate) quotas: Quotas,
    pub(crate) calls: Vec<Call>,
}

/// A request that was understood.
struct Asked {
    operation: Operation,
    input: Input,
}

enum Input {
    Json(Value),
    Form(Form),
}

/// Who asks, and where.
struct Caller {
    identity: Option<Identity>,
    region: String,
}

impl Service {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no panic while AWS is being asked")
    }

    pub(crate) async fn answer(
        self: &Arc<Self>,
        request: axum::extract::Request,
        connection: &Connection,
    ) -> Response {
        let request_id = answer::request_id();
        let (parts, body) = request.into_parts();
        let Ok(body) = to_bytes(body, MOST_BYTES).await else {
            return answer::plain(413, "the body is too long");
        };
        let asked = match Asked::read(&parts, &body) {
            Ok(asked) => asked,
            Err((protocol, error)) => return answer::refusal(protocol, &error, &request_id),
        };
        let protocol = asked.operation.service();
        let caller = self.authenticate(&asked, &parts, &body);
        let (number, faults) = self.log(&asked, caller.as_ref().ok(), &request_id);
        let mut after = Vec::new();
        for fault in faults {
            match before(&fault, protocol, &request_id, connection).await {
                Before::GoOn => {}
                Before::Later => after.push(fault),
                Before::Refuse(error) => return self.refuse(number, protocol, &error, &request_id),
                Before::Answer(response) => return response,
            }
        }
        let result = match caller {
            Ok(caller) => self.perform(asked, caller).await,
            Err(error) => Err(error),
        };
        let response = match result {
            Ok(answer) => answer::success(answer, &request_id),
            Err(error) => self.refuse(number, protocol, &error, &request_id),
        };
        if after.contains(&Fault::LoseAnswer) {
            connection.reset();
            std::future::pending::<()>().await;
        }
        if after.contains(&Fault::Truncate) { answer::truncated(response).await } else { response }
    }

    /// Who signed, or why the signature is worth nothing.
    fn authenticate(&self, asked: &Asked, parts: &Parts, body: &Bytes) -> Result<Caller, AwsError> {
        let protocol = asked.operation.service();
        if asked.operation == Operation::AssumeRoleWithWebIdentity {
            return Ok(Caller { identity: None, region: String::new() });
        }
        let signed = Signed::read(&parts.headers).ok_or_else(|| refusal::not_signed(protocol))?;
        let state = self.state();
        let key = state.world.keys.get(&signed.access_key).ok_or_else(|| refusal::unknown_key(protocol))?;
        let token = key.session.as_ref().map(|session| session.token.as_str());
        if token != signed.token.as_deref() {
            return Err(refusal::unknown_key(protocol));
        }
        let right = signed.service == protocol.signing_name()
            && signed.is_made_with(&key.secret, &parts.method, &parts.uri, &parts.headers, body);
        if !right {
            return Err(refusal::wrong_signature(protocol));
        }
        if signed.at.duration_since(Timestamp::now()).abs() > SKEW {
            return Err(refusal::old_signature(protocol));
        }
        if key.session.as_ref().is_some_and(|session| session.expires <= state.world.now()) {
            return Err(refusal::expired(protocol));
        }
        Ok(Caller { identity: Some(key.identity.clone()), region: signed.region })
    }

    fn log(&self, asked: &Asked, caller: Option<&Caller>, request_id: &str) -> (usize, Vec<Fault>) {
        let identity = caller.and_then(|caller| caller.identity.as_ref());
        let mut state = self.state();
        state.calls.push(Call {
            operation: asked.operation,
            identity: identity.map(Identity::arn).unwrap_or_default(),
            account: identity.map(|identity| identity.account.clone()).unwrap_or_default(),
            region: caller.map(|caller| caller.region.clone()).unwrap_or_default(),
            target: asked.target(),
            request_id: request_id.to_owned(),
            at: Instant::now(),
            refused: None,
        });
        (state.calls.len() - 1, state.faults.next(asked.operation))
    }

    fn refuse(&self, number: usize, protocol: Protocol, error: &AwsError, request_id: &str) -> Response {
        if let Some(call) = self.state().calls.get_mut(number).filter(|call| call.request_id == request_id) {
            call.refused = Some(error.code.to_owned());
        }
        answer::refusal(protocol, error, request_id)
    }

    async fn perform(self: &Arc<Self>, asked: Asked, caller: Caller) -> Result<Answer, AwsError> {
        let Asked { operation, input } = asked;
        let Caller { identity, region } = caller;
        match (input, identity) {
            (Input::Json(input), Some(identity)) => {
                let mut state = self.state();
                if !state.quotas.take(&identity.account, &region, operation, Instant::now()) {
                    return Err(refusal::throttled(operation.service()));
                }
                state.world.expire();
                secrets_manager::perform(&mut state.world, &identity, &region, operation, input)
                    .map(Answer::Json)
            }
            (Input::Form(form), Some(identity)) => {
                sts::perform(&mut self.state().world, &identity, operation, &form).map(Answer::Xml)
            }
            (Input::Form(form), None) => {
                let token = web_identity::judge(Arc::clone(self), &form).await?;
                web_identity::assume(&mut self.state().world, &form, &token).map(Answer::Xml)
            }
            (Input::Json(_), None) => Err(refusal::not_signed(operation.service())),
        }
    }
}

/// What a fault does before a call has its effect.
enum Before {
    GoOn,
    /// It breaks the answer only.
    Later,
    Refuse(AwsError),
    Answer(Response),
}

async fn before(fault: &Fault, protocol: Protocol, request_id: &str, connection: &Connection) -> Before {
    match *fault {
        Fault::Latency(time) => {
            tokio::time::sleep(time).await;
            Before::GoOn
        }
        Fault::Hang => std::future::pending().await,
        Fault::Reset => {
            connection.reset();
            std::future::pending().await
        }
        Fault::Throttle { .. } => Before::Refuse(refusal::throttled(protocol)),
        Fault::Error { status, code } => Before::Refuse(AwsError::new(status, code, "This was asked for.")),
        Fault::ServerError => Before::Refuse(refusal::server_error(protocol)),
        Fault::NotJson => Before::Answer(answer::html(request_id)),
        Fault::Empty => Before::Answer(answer::empty(protocol, request_id)),
        Fault::LoseAnswer | Fault::Truncate => Before::Later,
    }
}

impl Asked {
    fn read(parts: &Parts, body: &Bytes) -> Result<Self, (Protocol, AwsError)> {
        let target = parts.headers.get("x-amz-target").and_then(|value| value.to_str().ok());
        if let Some(target) = target {
            let protocol = Protocol::SecretsManager;
            let operation = target
                .strip_prefix("secretsmanager.")
                .and_then(|name| Operation::parse(protocol, name))
                .ok_or_else(|| (protocol, refusal::unknown_operation(protocol, target)))?;
            let input =
                serde_json::from_slice(body).map_err(|error| (protocol, AwsError::serialization(error)))?;
            return Ok(Self { operation, input: Input::Json(input) });
        }
        let form = Form::read(body);
        let action = form.get("Action").unwrap_or_default();
        let operation = Operation::parse(Protocol::Sts, action)
            .ok_or_else(|| (Protocol::Sts, refusal::unknown_operation(Protocol::Sts, action)))?;
        Ok(Self { operation, input: Input::Form(form) })
    }

    fn target(&self) -> String {
        let ids = |list: &Value| {
            let ids: Vec<&str> = list.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            ids.join(",")
        };
        match &self.input {
            Input::Form(form) => form.get("RoleArn").unwrap_or_default().to_owned(),
            Input::Json(input) => {
                let text = |name: &str| input.get(name).and_then(Value::as_str).map(str::to_owned);
                let list = || input.get("SecretIdList").map(ids);
                text("SecretId").or_else(|| text("Name")).or_else(list).unwrap_or_default()
            }
        }
    }
}

/// Half of a body, as far as it goes.
pub(super) async fn half(body: Body) -> (Bytes, usize) {
    let bytes = to_bytes(body, MOST_BYTES).await.unwrap_or_default();
    (bytes.slice(..bytes.len() / 2), bytes.len())
}
