//! A pod in, what brings its secrets into it out: operations on its JSON, or every reason why not.
//!
//! Pure, and the same for a pod, for the template of a workload, for `keyhatch check` and `keyhatch inject`. Planning
//! what was planned changes nothing, so it does not matter how often a pod comes by.

mod agent;
pub mod annotations;
mod argv;
mod code;
mod containers;
mod known;
mod patch;
mod places;
mod pod;
mod request;
mod reserved;
pub mod resources;
mod user;
mod via;
pub mod workload;

use json_patch::Patch;
use keyhatch_agent::{Invocation, Mode, OnMissing};
use serde_json::{Value, json};

use crate::field::Field;
use crate::finding::Report;
use crate::reference::{SecretRef, Store};
use crate::rule::{Level, Rule};
use annotations::{Asked, Defaults};
use resources::Resources;

pub use code::Code;
pub use known::check as check_known;

/// What this installation puts into pods.
#[derive(Clone, Debug)]
pub struct Installation {
    /// The agent's image; none: pods are not injected here.
    pub image: Option<String>,
    /// What the agent asks of the node.
    pub resources: Resources,
    /// Host name and port of the broker's Service.
    pub broker: String,
    /// The Service's address.
    pub broker_address: Option<String>,
    /// Certificates of the authorities that may sign for the broker, as PEM.
    pub roots: String,
    /// Whether pods may share their process namespace.
    pub allow_shared_pid: bool,
    /// The API server's version, major and minor; None: not known.
    pub kubernetes: Option<(u32, u32)>,
}

impl Installation {
    /// One that could be anywhere, for whoever judges and injects nothing.
    pub fn anywhere() -> Self {
        Self {
            image: Some("keyhatch-agent".into()),
            resources: Resources::default(),
            broker: "keyhatch.keyhatch.svc:10251".into(),
            broker_address: None,
            roots: String::new(),
            allow_shared_pid: false,
            kubernetes: None,
        }
    }
}

/// What is to be done to a pod.
#[derive(Debug, Default)]
pub struct Plan {
    /// RFC 6902, empty if there is nothing to do.
    pub patch: Patch,
    /// What the user is told all the same.
    pub doubts: Report,
    /// What must exist for the pod to start.
    pub needs: Needs,
}

/// Objects of others that a pod needs, each with the field that names it.
#[derive(Debug, Default)]
pub struct Needs {
    /// Stores.
    pub stores: Vec<(Store, String)>,
    /// ExternalSecrets of the pod's namespace.
    pub external_secrets: Vec<(String, String)>,
    /// References, each once.
    pub references: Vec<(SecretRef, String)>,
    /// What happens if one is not there.
    pub on_missing: OnMissing,
}

/// Why a pod is refused: mistakes, and doubts beside them.
#[derive(Debug)]
pub struct Refusals(pub Report);

/// Seconds after which an agent without an answer starts again.
const DEADLINE: u64 = 300;
/// Seconds after which a new value is there at the latest, for a sidecar that says nothing else.
const REFRESH: u64 = 300;

/// Plans the injection of a pod, which stands at `at` in the object that is judged.
///
/// # Errors
/// All mistakes, if there is one.
pub fn plan(
    pod: &Value,
    at: &Field<'_>,
    defaults: &Defaults,
    installation: &Installation,
) -> Result<Plan, Refusals> {
    let mut report = Report::default();
    let annotations = pod.pointer("/metadata/annotations").and_then(Value::as_object);
    let field = at.key("metadata");
    let field = field.key("annotations");
    let asked = annotations::read(annotations, defaults, &field, &mut report);
    let Some(mut asked) = asked else {
        reserved::check_unasked(pod, installation, at, &mut report);
        return finish(report, Plan::default());
    };
    if annotations.is_some_and(|annotations| annotations.contains_key(MIRROR)) {
        let cause = "a static pod is not injected: the kubelet runs it from a file of its own";
        report.forbidden(Code::StaticPod.rule(), &field.key(annotations::INJECT), cause);
        return finish(report, Plan::default());
    }
    let plan = inject(pod, at, &mut asked, installation, &mut report);
    finish(report, plan)
}

/// Marks the mirror of a pod that the kubelet has from a file.
const MIRROR: &str = "kubernetes.io/config.mirror";

fn inject(
    pod: &Value,
    at: &Field<'_>,
    asked: &mut Asked,
    installation: &Installation,
    report: &mut Report,
) -> Plan {
    let annotations = at.key("metadata");
    let annotations = annotations.key("annotations");
    let inject_at = annotations.key(annotations::INJECT);
    let Some(image) = &installation.image else {
        let cause = "pods are not injected here: keyhatch serve needs --agent-image";
        report.forbidden(Code::InjectionOff.rule(), &inject_at, cause);
        return Plan::default();
    };
    let spec = at.key("spec");
    let containers = containers::of(pod);
    pod::check(pod, installation, &spec, report);
    reserved::check(pod, &containers, asked, &spec, report);
    let users = containers::users(&containers, asked, reserved::was_injected(pod), &annotations, report);
    if !request::is_countable(&users, asked, &inject_at, report) {
        return Plan::default();
    }
    let mounting = users.iter().filter(|user| places::is_needed(user, asked));
    let identity = user::choose(pod, &mounting.map(|user| user.container).collect::<Vec<_>>());
    let before = reserved::request_in(pod);
    let (mode, request) =
        request::make(pod, at, &users, asked, before.as_ref(), identity.permissions, report);
    request::check(&request, &inject_at, report);
    places::check(&users, asked, &spec, report);
    places::check_others(&users, asked, &request, &spec, report);
    argv::check(&users, asked, &request, &spec, &annotations, report);
    via::check(&users, asked, &request, installation, &annotations, report);
    user::check(&request, identity, &inject_at, report);
    if report.has(Level::Deny) {
        return Plan::default(); // of a pod that is refused nothing is wanted, however much it asks for
    }
    let needs = needs(asked, at);
    let status = status(mode, &request);
    let invocation = Invocation {
        mode,
        request,
        broker: installation.broker.clone(),
        broker_address: installation.broker_address.clone(),
        roots: installation.roots.clone(),
        deadline: DEADLINE,
    };
    let agent = agent::container(pod, image, &installation.resources, &invocation, identity.uid);
    let patch = patch::operations(pod, &users, asked, &invocation.request, agent, &status);
    Plan { patch, needs, ..Plan::default() }
}

fn finish(report: Report, plan: Plan) -> Result<Plan, Refusals> {
    if report.has(Level::Deny) { Err(Refusals(report)) } else { Ok(Plan { doubts: report, ..plan }) }
}

fn needs(asked: &mut Asked, at: &Field<'_>) -> Needs {
    let at = at.key("metadata");
    let at = at.key("annotations");
    let named = |names: &[String], key: &str| -> Vec<_> {
        let field = at.key(key).to_string();
        names.iter().map(|name| (name.clone(), field.clone())).collect()
    };
    let mut external_secrets = named(&asked.external_secrets, "keyhatch.dev/external-secret");
    external_secrets.extend(named(&asked.external_secret_env, "keyhatch.dev/external-secret-env"));
    let mut needs = Needs { external_secrets, on_missing: asked.on_missing, ..Needs::default() };
    for (reference, at) in std::mem::take(&mut asked.references) {
        if let Some(store) = &reference.store
            && !needs.stores.iter().any(|(known, _)| known == store)
        {
            needs.stores.push((store.clone(), at.clone()));
        }
        if !needs.references.iter().any(|(known, _)| *known == reference) {
            needs.references.push((reference, at));
        }
    }
    needs
}

/// What the annotation `status` says: enough to see at a glance what was done, and nothing that is believed.
fn status(mode: Mode, request: &keyhatch_agent::Request) -> String {
    let mode = match mode {
        Mode::Init => "init",
        Mode::Sidecar => "sidecar",
    };
    let variables: usize = request.env.values().map(std::collections::BTreeMap::len).sum();
    let external = request.external_secrets.len() + request.external_secret_env.len();
    let mut status = json!({
        "mode": mode,
        "version": env!("CARGO_PKG_VERSION"),
        "files": request.files.len(),
        "variables": variables,
    });
    if let (true, Some(status)) = (external > 0, status.as_object_mut()) {
        status.insert("externalSecrets".into(), external.into());
    }
    status.to_string()
}

/// Whether a pod asks for anything, or has a name of ours: all others are nobody's business here.
pub fn concerns(pod: &Value) -> bool {
    let annotations = pod.pointer("/metadata/annotations").and_then(Value::as_object);
    let asks = annotations.is_some_and(|all| all.keys().any(|key| annotations::is_ours(key)));
    asks || reserved::agent_in(pod).is_some() || !reserved::reserved_volumes(pod).is_empty()
}

/// Whether a path is another, or lies below it.
fn is_within(path: &str, other: &str) -> bool {
    path.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || other == "/")
}

/// The codes as rules, for whoever lists them.
pub fn rules() -> Vec<&'static Rule> {
    Code::ALL.into_iter().map(Code::rule).collect()
}
