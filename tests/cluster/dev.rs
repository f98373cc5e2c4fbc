//! A throw-away cluster with Keyhatch in it, for looking at: `make demo` and `make dev`.
//!
//! `dev demo` applies every manifest of `examples/good` and `examples/bad` with kubectl and prints what a
//! user would see. It fails unless every good one is accepted and every bad one is refused by Keyhatch; a
//! bad one whose first line is `# warns` must be accepted with a warning instead. Then `keyhatch resolve` follows
//! references to an AWS that is ours, and a Deployment that asks for secrets gets them: from a kubelet's hands, where
//! there can be a node.
//!
//! `dev dev` keeps the cluster up until Ctrl-C. Either way nothing is left behind, and no other cluster and
//! no kubeconfig of the user is touched.

#[path = "dev/aws.rs"]
mod aws;
#[path = "dev/kept.rs"]
mod kept;
#[path = "dev/node.rs"]
mod node;
#[path = "dev/pod.rs"]
mod pod;
#[path = "../support.rs"]
mod support;

use std::env;
use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use aws::{DemoAws, REFERENCES};
use clap::{Parser, ValueEnum};
use support::control_plane::{ControlPlane, Options};
use support::kubectl::Output;
use support::process::free_address;
use support::webhook::{Pods, Webhook};
use tokio::signal::unix::{SignalKind, signal};

/// Runs a throw-away cluster with Keyhatch in it.
#[derive(Parser)]
struct Args {
    mode: Mode,
    /// The keyhatch binary to run.
    #[arg(long, value_name = "PATH")]
    keyhatch: PathBuf,
    /// The keyhatch-agent binary to run.
    #[arg(long, value_name = "PATH")]
    agent: PathBuf,
    /// A statically linked keyhatch-agent: with it the demo's pod runs on a real node.
    #[arg(long, value_name = "PATH")]
    node_agent: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Mode {
    /// Apply the examples, print what happens, end.
    Demo,
    /// Stay up until Ctrl-C.
    Dev,
}

/// The namespace that is current in the kubeconfig.
const NAMESPACE: &str = "demo";

fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("dev: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<bool, String> {
    eprintln!("starting a control plane and {} ...", args.keyhatch.display());
    // Declared first, hence dropped last: the webhook goes before its API server.
    let plane = ControlPlane::start(&Options { node: args.node_agent.is_some(), ..Options::default() })?;
    let machine = args.node_agent.as_ref().map(|agent| node::start(&plane, agent)).transpose()?;
    plane.kubectl(&["apply", "-f", "manifests/components/pods/store-users.yaml"]).success()?;
    let aws = DemoAws::start();
    let pods = Pods { image: "keyhatch:0.1.0", broker: free_address()?, aws: aws.url(), flags: &[] };
    let webhook = Webhook::serve_pods(&args.keyhatch, &plane, &pods)?;
    webhook.register(&plane)?;
    plane.create_namespace(NAMESPACE);
    let current = format!("--namespace={NAMESPACE}");
    plane.kubectl(&["config", "set-context", "--current", &current]).success()?;
    aws.install(&plane)?;
    match args.mode {
        Mode::Demo => {
            let paint = Paint::detect();
            let is_judged = show_examples(&plane, &paint)?;
            let is_resolved = show_references(&args.keyhatch, &plane, &aws, &paint)?;
            let is_injected = match machine {
                Some(_) => node::show(&plane, &paint)?,
                None => pod::show(&plane, &args.agent, &paint)?,
            };
            let is_kept = kept::show(&args.keyhatch, &plane, &aws, &paint)?;
            Ok(is_judged && is_resolved && is_injected && is_kept)
        }
        Mode::Dev => stay_up(&plane, &webhook, &aws).map(|()| true),
    }
}

/// What a manifest of the examples is there to show.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    Accepted,
    Warned,
    Refused,
}

impl Expected {
    fn met_by(self, output: &Output) -> bool {
        match self {
            Self::Accepted => output.is_success(),
            Self::Warned => output.is_success() && output.stderr.contains("Warning:"),
            Self::Refused => output.is_denied(),
        }
    }

    fn surprise(self) -> &'static str {
        match self {
            Self::Accepted => "surprise: this should have been accepted",
            Self::Warned => "surprise: this should have been accepted with a warning",
            Self::Refused => "surprise: this should have been refused by Keyhatch",
        }
    }
}

fn show_examples(plane: &ControlPlane, paint: &Paint) -> Result<bool, String> {
    let (mut met, mut surprises) = (Vec::new(), 0);
    for (file, expected) in examples()? {
        let output = plane.kubectl(&["apply", "-f", &file]);
        paint.transcript(&format!("kubectl apply -f {file}"), &output.stdout, &output.stderr);
        if expected.met_by(&output) {
            met.push(expected);
        } else {
            surprises += 1;
            println!("  {}", paint.style(Style::Surprise, expected.surprise()));
        }
        println!();
    }
    let style = if surprises == 0 { Style::Accepted } else { Style::Surprise };
    println!("{}", paint.style(style, &summary(&met, surprises)));
    Ok(surprises == 0)
}

/// Where references lead, as whom, and by which calls; never a value.
fn show_references(
    keyhatch: &Path,
    plane: &ControlPlane,
    aws: &DemoAws,
    paint: &Paint,
) -> Result<bool, String> {
    let mut is_met = true;
    for (reference, is_there) in REFERENCES {
        let output = aws.resolve(keyhatch, plane, reference)?;
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        let command = format!("keyhatch resolve '{reference}' --explain");
        println!();
        paint.transcript(&command, &text(&output.stdout), &text(&output.stderr));
        is_met &= output.status.success() == is_there;
    }
    Ok(is_met)
}

fn summary(met: &[Expected], surprises: usize) -> String {
    let count = |expected| met.iter().filter(|&&one| one == expected).count();
    let warned = match count(Expected::Warned) {
        0 => String::new(),
        warned => format!("{warned} bad warned about, "),
    };
    let (good, bad) = (count(Expected::Accepted), count(Expected::Refused));
    format!("{good} good applied, {bad} bad refused, {warned}{surprises} surprises")
}

/// Every example with what it should lead to, the good ones first, since bad ones may refer to them.
fn examples() -> Result<Vec<(String, Expected)>, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut examples = Vec::new();
    for folder in ["examples/good", "examples/bad"] {
        let files = manifests(root, folder).map_err(|error| format!("cannot read {folder}: {error}"))?;
        if files.is_empty() {
            return Err(format!("{folder} has no .yaml files"));
        }
        examples.extend(files);
    }
    Ok(examples)
}

fn manifests(root: &Path, folder: &str) -> io::Result<Vec<(String, Expected)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(root.join(folder))? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let expected = match fs::read_to_string(&path)?.lines().next() {
            _ if folder.ends_with("good") => Expected::Accepted,
            Some("# warns") => Expected::Warned,
            _ => Expected::Refused,
        };
        files.push((path.strip_prefix(root).unwrap_or(&path).display().to_string(), expected));
    }
    // Stores first: what uses them is warned about as long as they are not there.
    files.sort_by_key(|(path, _)| (!path.contains("/store-"), path.clone()));
    Ok(files)
}

#[derive(Clone, Copy)]
enum Style {
    Command,
    Accepted,
    Warning,
    Refused,
    Surprise,
}

/// Colours, where they are wanted.
struct Paint(bool);

impl Paint {
    fn detect() -> Self {
        let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
        Self(set("CLICOLOR_FORCE") || io::stdout().is_terminal() && !set("NO_COLOR"))
    }

    fn style(&self, style: Style, text: &str) -> String {
        let code = match style {
            Style::Command => "1",
            Style::Accepted => "32",
            Style::Warning => "33",
            Style::Refused => "31",
            Style::Surprise => "1;35",
        };
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn transcript(&self, command: &str, stdout: &str, stderr: &str) {
        println!("{}", self.style(Style::Command, &format!("$ {command}")));
        let colour = |line: &str| if line.starts_with("Warning:") { Style::Warning } else { Style::Refused };
        let stderr = stderr.lines().map(|line| (colour(line), line));
        let stdout = stdout.lines().map(|line| (Style::Accepted, line));
        for (style, line) in stderr.chain(stdout) {
            println!("  {}", self.style(style, line));
        }
    }
}

fn stay_up(plane: &ControlPlane, webhook: &Webhook, aws: &DemoAws) -> Result<(), String> {
    let kubectl = plane.kubectl_file();
    println!("API server   {}", plane.url());
    println!("webhook      {}", webhook.url);
    println!("health       {}/readyz", webhook.health);
    println!("its log      {}", webhook.log_file().display());
    println!("\nIn another terminal, from the root of the repository:\n");
    println!("  export KUBECONFIG={}", plane.kubeconfig().display());
    println!("  alias kubectl={}", kubectl.display());
    println!("  kubectl apply -f examples/good   # accepted");
    println!("  kubectl apply -f examples/bad    # refused, with the reasons");
    println!("  kubectl apply -f examples/pods   # its pod is injected");
    println!("\nAn AWS with one secret, to which the store demo leads:\n");
    for (name, value) in aws.environment() {
        println!("  export {name}={value}");
    }
    println!("  target/debug/keyhatch resolve 'demo::prod/db#password' --explain");
    println!("\nCtrl-C ends everything and removes it.");
    wait_for_signal().map_err(|error| format!("cannot wait for signals: {error}"))?;
    println!("\nstopping ...");
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn wait_for_signal() -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result,
        _ = terminate.recv() => Ok(()),
    }
}
