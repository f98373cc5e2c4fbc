//! `keyhatch inject`: manifests in, the same with their pods injected out. Nothing is asked of a cluster.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::Failure;
use super::injection::InjectionFlags;
use crate::admission::pods;
use crate::check;
use crate::facts::Facts;
use crate::field::Field;
use crate::inject::annotations::Defaults;
use crate::inject::workload::Workload;
use crate::inject::{Installation, Refusals, plan};
use crate::observe;
use crate::yaml;

/// Flags of `inject`.
#[derive(Debug, Args)]
#[command(after_help = "Namespaces in the same files give defaults for their pods.

Examples:
  keyhatch inject -f deployment.yaml
  helm template . | keyhatch inject -f - --store aws | kubectl diff -f -")]
pub(super) struct Inject {
    /// File or folder with pods, or with what makes them; - is standard input.
    #[arg(short = 'f', long = "filename", value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The store of references that name none, as the namespace's annotation keyhatch.dev/store would say.
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
    /// How often secrets are fetched again, as the namespace's annotation keyhatch.dev/refresh would say.
    #[arg(long, value_name = "DURATION")]
    refresh: Option<String>,
    /// The CA of the broker's certificate in PEM form.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    #[command(flatten)]
    injection: InjectionFlags,
}

impl Inject {
    /// Prints all objects as JSON, which is YAML; what is doubtful goes to standard error.
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { files, store, refresh, ca_file, injection } = self;
        let roots = match ca_file {
            Some(file) => std::fs::read_to_string(&file)
                .map_err(|error| format!("--ca-file {}: {error}", file.display()))?,
            None => String::new(),
        };
        let mut installation = injection.installation(roots)?;
        installation
            .image
            .get_or_insert_with(|| concat!("keyhatch-agent:", env!("CARGO_PKG_VERSION")).into());
        let mut objects = Vec::new();
        for file in &files {
            objects.extend(read(file)?.into_iter().flat_map(flat));
        }
        let mut facts = Facts::default();
        for object in &objects {
            observe::add(&mut facts, object);
        }
        let injector =
            Injector { facts, fallback: Defaults { store, refresh, is_known: true }, installation };
        let injected =
            objects.into_iter().map(|object| injector.inject(object)).collect::<Result<Vec<_>, _>>()?;
        let mut out = io::stdout().lock();
        match injected.as_slice() {
            [one] => serde_json::to_writer_pretty(&mut out, one)?,
            all => serde_json::to_writer_pretty(
                &mut out,
                &json!({"apiVersion": "v1", "kind": "List", "items": all}),
            )?,
        }
        writeln!(out)?;
        Ok(())
    }
}

fn read(file: &Path) -> Result<Vec<Value>, Failure> {
    if file.as_os_str() != "-" {
        return Ok(check::documents(file)?);
    }
    let mut text = String::new();
    io::stdin().lock().read_to_string(&mut text)?;
    let documents = yaml::documents(&text).map_err(|error| format!("-:{}: {}", error.line, error.message))?;
    Ok(documents.into_iter().map(|document| document.value).collect())
}

/// The objects of a List, or the one.
fn flat(mut value: Value) -> Vec<Value> {
    let is_list = value.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List"));
    match value.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) if is_list => items,
        _ if value.is_null() => Vec::new(),
        _ => vec![value],
    }
}

struct Injector {
    facts: Facts,
    /// For namespaces that are not in the files.
    fallback: Defaults,
    installation: Installation,
}

impl Injector {
    fn inject(&self, mut object: Value) -> Result<Value, Failure> {
        let text = |key: &str| object.pointer(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (api_version, kind) = (text("/apiVersion"), text("/kind"));
        let (name, namespace) = (text("/metadata/name"), text("/metadata/namespace"));
        let (group, _) = api_version.split_once('/').unwrap_or_default();
        let Some(workload) = Workload::named(group, &kind) else { return Ok(object) };
        let Some(pod) = workload.pod_mut(&mut object) else { return Ok(object) };
        let known = pods::defaults(&namespace, &self.facts);
        let defaults = if known.is_known { &known } else { &self.fallback };
        let told = |report: crate::finding::Report| -> String {
            let lines = report.into_findings();
            lines.iter().map(|finding| format!("\n  {}: {finding}", finding.field)).collect()
        };
        match plan(pod, &Field::Path(workload.path()), defaults, &self.installation) {
            Ok(plan) => {
                json_patch::patch(pod, &plan.patch)?;
                let doubts = told(plan.doubts);
                if !doubts.is_empty() {
                    eprintln!("keyhatch: {kind} {name}:{doubts}");
                }
                Ok(object)
            }
            Err(Refusals(report)) => Err(format!("{kind} {name} is not injected:{}", told(report)).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_flat() {
        assert_eq!(flat(json!({"kind": "List", "items": [1, 2]})), [json!(1), json!(2)]);
        assert_eq!(flat(json!({"kind": "Pod"})), [json!({"kind": "Pod"})]);
        assert!(flat(Value::Null).is_empty());
    }
}
