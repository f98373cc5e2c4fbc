//! Puts an answer together: values that were resolved in, files and variables by name out, within the volume. Pure. Nothing is
//! copied before it is known how much it is.

use std::collections::BTreeMap;

use keyhatch_agent::{Answer, Content, ExternalSecret, env_file};

use super::live::Admitted;
use super::proof::{Proof, Tag};
use super::reason::{Denial, Reason};
use super::resolve::{Resolved, Whole};
use crate::grant::{Named, check_nesting, names};
use crate::secret_value::SecretValue;

/// What is sent, and what is told about it.
pub(super) struct Delivery {
    pub(super) answer: Answer,
    pub(super) proofs: Vec<Proof>,
}

/// The ETag: of the request, of the versions that it means now, and of whom to trust. Never of a value.
pub(super) fn tag(admitted: &Admitted, resolved: &Resolved, roots: &str) -> String {
    let mut tag = Tag::new();
    tag.text(&admitted.request).text(roots);
    let mut references: Vec<_> = resolved
        .references
        .iter()
        .map(|(named, found)| (named.reference.to_string(), found.as_ref().map(|(_, proof)| proof.clone())))
        .collect();
    references.sort();
    for (reference, proof) in references {
        tag.text(&reference).proofs(proof.as_slice());
    }
    for (name, Whole { version, values: _, proofs }) in &resolved.externals {
        tag.text(name).text(version).proofs(proofs);
    }
    tag.finish()
}

/// Everything by its name.
pub(super) struct Planned<'a> {
    files: Values<'a>,
    env: BTreeMap<String, Values<'a>>,
    resolved: &'a Resolved,
}

/// Decides what is sent; nothing is copied yet.
pub(super) fn plan<'a>(admitted: &Admitted, resolved: &'a Resolved) -> Result<Planned<'a>, Denial> {
    let grant = &admitted.grant;
    let mut files = BTreeMap::new();
    for (path, named) in &grant.files {
        files.extend(resolved.value(named).map(|value| (path.clone(), value)));
    }
    for name in &grant.external_secrets {
        for (key, value) in resolved.whole(name) {
            let at = || format!("key {key:?} of ExternalSecret {name}");
            names::file(key).map_err(|cause| unusable(&at(), &cause.to_string()))?;
            if grant.files.contains_key(key) || files.insert(key.clone(), value).is_some() {
                return Err(taken(&at(), "file"));
            }
        }
    }
    check_nesting(files.keys().map(String::as_str))
        .map_err(|error| Denial::new(Reason::NameTaken, error.to_string()))?;
    let env = env(admitted, resolved)?;
    check_room(admitted.room, &files, &env)?;
    Ok(Planned { files, env, resolved })
}

impl Planned<'_> {
    /// Bytes that the answer takes as it is and as text, at most.
    pub(super) fn size(&self) -> usize {
        let all = self.files.iter().chain(self.env.values().flatten());
        all.map(|(name, value)| name.len() + value.len() * 7 / 3 + 1024).sum()
    }

    /// What is sent. `roots`: whom to trust from now on.
    pub(super) fn deliver(self, roots: String) -> Delivery {
        let Self { files, env, resolved } = self;
        let contents = |values: Values<'_>| {
            values.into_iter().map(|(name, value)| (name, Content::new(value.expose().to_vec()))).collect()
        };
        let answer = Answer {
            files: contents(files),
            env: env.into_iter().map(|(container, variables)| (container, contents(variables))).collect(),
            roots,
        };
        Delivery { answer, proofs: resolved.proofs() }
    }
}

type Values<'a> = BTreeMap<String, &'a SecretValue>;

fn env<'a>(admitted: &Admitted, resolved: &'a Resolved) -> Result<BTreeMap<String, Values<'a>>, Denial> {
    let grant = &admitted.grant;
    let mut env: BTreeMap<String, Values<'a>> = BTreeMap::new();
    // A container whose variables are all missing has an empty file, not none: its command reads it.
    for (container, variables) in &grant.env {
        let of = env.entry(container.clone()).or_default();
        for (variable, named) in variables {
            of.extend(resolved.value(named).map(|value| (variable.clone(), value)));
        }
    }
    for ExternalSecret { name, containers } in &grant.external_secret_env {
        for container in containers {
            let asked = grant.env.get(container);
            let of = env.entry(container.clone()).or_default();
            for (key, value) in resolved.whole(name) {
                let at = || format!("key {key:?} of ExternalSecret {name}");
                names::variable(key).map_err(|cause| unusable(&at(), &cause.to_string()))?;
                let is_asked = asked.is_some_and(|variables| variables.contains_key(key));
                if is_asked || of.insert(key.clone(), value).is_some() {
                    return Err(taken(&at(), "variable"));
                }
            }
        }
    }
    for (container, variables) in &env {
        let is_kubelets = grant.kubelet_env.contains(container);
        for (variable, value) in variables {
            let at = || format!("variable {variable} of container {container}");
            names::variable_value(variable, value.expose())
                .map_err(|cause| unusable(&at(), &cause.to_string()))?;
            if is_kubelets {
                env_file::check(variable, value.expose())
                    .map_err(|cause| unusable(&at(), &cause.to_string()))?;
            }
        }
    }
    Ok(env)
}

/// What memory is given away by: a file of one byte takes as much.
const PAGE: usize = 4096;

/// A file each; all variables of a container are one.
fn check_room(room: u64, files: &Values<'_>, env: &BTreeMap<String, Values<'_>>) -> Result<(), Denial> {
    let variables =
        |of: &Values<'_>| of.iter().map(|(name, value)| name.len() + value.len() + 2).sum::<usize>();
    let all = files.values().map(|value| value.len()).chain(env.values().map(variables));
    let size: usize = all.map(|bytes| bytes.next_multiple_of(PAGE)).sum();
    if u64::try_from(size).is_ok_and(|size| size <= room) {
        return Ok(());
    }
    let message = format!(
        "{size} bytes do not fit into the pod's volume, which holds {room}, and once more what replaces them: ask for less"
    );
    Err(Denial::new(Reason::TooLarge, message))
}

fn unusable(at: &str, cause: &str) -> Denial {
    Denial::new(Reason::ValueUnusable, format!("{at}: {cause}"))
}

fn taken(at: &str, what: &str) -> Denial {
    Denial::new(Reason::NameTaken, format!("{at}: there is another {what} of this name; rewrite the key"))
}

impl Resolved {
    fn value(&self, named: &Named) -> Option<&SecretValue> {
        self.references.get(named)?.as_ref().map(|(value, _)| value)
    }

    fn whole(&self, name: &str) -> impl Iterator<Item = (&String, &SecretValue)> {
        self.externals.get(name).into_iter().flat_map(|whole| &whole.values)
    }

    /// Each once.
    fn proofs(&self) -> Vec<Proof> {
        let single = self.references.values().flatten().map(|(_, proof)| proof);
        let mut proofs: Vec<_> =
            single.chain(self.externals.values().flat_map(|whole| &whole.proofs)).cloned().collect();
        proofs.sort();
        proofs.dedup_by(|a, b| (&a.store, &a.arn, &a.version) == (&b.store, &b.arn, &b.version));
        proofs
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashMap};

    use keyhatch_agent::{Mode, Request};

    use super::*;
    use crate::grant::grant;

    const REQUEST: &str = r#"{"files":{"a":{"from":"aws::a"},"b":{"from":"aws::b"}},"env":{"app":{"A":"aws::a"}},
        "externalSecrets":["x"],"externalSecretEnv":[{"name":"x","containers":["app"]}],"onMissing":"skip"}"#;

    fn proof(arn: &str, version: &str) -> Proof {
        Proof {
            store: "s".into(),
            identity: "i".into(),
            arn: arn.into(),
            version: version.into(),
            served: "hit",
        }
    }

    fn admitted(room: u64) -> Admitted {
        let request: Request = serde_json::from_str(REQUEST).unwrap();
        let grant = grant(&request, &BTreeSet::from(["app"])).unwrap();
        Admitted { grant, mode: Mode::Init, request: REQUEST.into(), room }
    }

    /// `a` is there, `b` is missing, and ExternalSecret `x` has these keys.
    fn resolved(admitted: &Admitted, keys: &[&str]) -> Resolved {
        let value = || SecretValue::from("hunter2".to_owned());
        let references =
            admitted.grant.files.values().map(|named| {
                (named.clone(), (named.reference.key == "a").then(|| (value(), proof("a", "1"))))
            });
        let values = keys.iter().map(|key| ((*key).to_owned(), value())).collect();
        let whole = Whole { version: "u/1".into(), values, proofs: vec![proof("a", "1"), proof("x", "1")] };
        Resolved {
            references: references.collect::<HashMap<_, _>>(),
            externals: [("x".into(), whole)].into(),
        }
    }

    fn told(room: u64, keys: &[&str]) -> String {
        let admitted = admitted(room);
        let resolved = resolved(&admitted, keys);
        match plan(&admitted, &resolved).map(|planned| planned.deliver("roots".into())) {
            Ok(Delivery { answer, proofs }) => {
                let files: Vec<_> = answer.files.keys().map(String::as_str).collect();
                let env: Vec<_> =
                    answer.env.iter().map(|(of, it)| format!("{of}: {:?}", it.keys())).collect();
                format!("{} | {} | {} proofs", files.join(" "), env.join(" "), proofs.len())
            }
            Err(denial) => format!("{:?}: {}", denial.reason, denial.message),
        }
    }

    #[test]
    fn everything_has_its_place_or_nothing_is_sent() {
        let told: Vec<_> = [
            told(20_000, &["K"]),
            told(20_000, &["a"]),
            told(20_000, &["A"]),
            told(20_000, &["b"]),
            told(20_000, &["k.json"]),
            told(20_000, &["..data"]),
            told(10_000, &["K"]),
        ]
        .into();
        insta::assert_snapshot!(told.join("\n"), @r#"
        K a | app: ["A", "K"] | 2 proofs
        NameTaken: key "a" of ExternalSecret x: there is another file of this name; rewrite the key
        NameTaken: key "A" of ExternalSecret x: there is another variable of this name; rewrite the key
        NameTaken: key "b" of ExternalSecret x: there is another file of this name; rewrite the key
        ValueUnusable: key "k.json" of ExternalSecret x: a variable's name has letters, digits and _, and does not begin with a digit
        ValueUnusable: key "..data" of ExternalSecret x: names that begin with .keyhatch or .. are reserved
        TooLarge: 12288 bytes do not fit into the pod's volume, which holds 10000, and once more what replaces them: ask for less
        "#);
    }

    #[test]
    fn what_the_kubelet_would_read_otherwise_is_not_sent() {
        let mut admitted = admitted(20_000);
        admitted.grant.external_secret_env.clear();
        admitted.grant.kubelet_env = ["app".to_owned()].into();
        let mut resolved = resolved(&admitted, &[]);
        assert!(plan(&admitted, &resolved).is_ok());
        for (value, _) in resolved.references.values_mut().flatten() {
            *value = SecretValue::from("it's".to_owned());
        }
        let denial = plan(&admitted, &resolved).err().unwrap();
        assert_eq!(denial.reason, Reason::ValueUnusable);
        assert!(
            !denial.message.contains("it's") && denial.message.contains("single quote"),
            "{}",
            denial.message
        );
    }

    #[test]
    fn the_tag_changes_with_versions_request_and_roots_and_not_with_values() {
        let admitted = admitted(20_000);
        let mut resolved = resolved(&admitted, &["K"]);
        let first = tag(&admitted, &resolved, "roots");
        assert_eq!(first, tag(&admitted, &resolved, "roots"));
        assert_ne!(first, tag(&admitted, &resolved, "other"));
        resolved.externals.get_mut("x").unwrap().values.clear();
        assert_eq!(first, tag(&admitted, &resolved, "roots"));
        resolved.externals.get_mut("x").unwrap().proofs[1].version = "2".into();
        assert_ne!(first, tag(&admitted, &resolved, "roots"));
    }
}
