//! Every place of every pod made as large as an object can be, and each annotation of ours with as much in it.

use std::collections::BTreeSet;

use keyhatch::inject::annotations::NAMES;
use keyhatch::inject::workload::Workload;
use serde_json::{Map, Value, json};

use super::Input;
use super::large::{variants, walk, with};
use super::pods::{self, Pods};

/// What is long in an annotation, each item with a number.
const ITEMS: [(&str, &str, &str, &str); 6] = [
    ("names", "", "a#,", ""),
    ("one name", "", "a,", ""),
    ("members", "{", "a#: 'aws::b#', ", "}"),
    ("items", "[", "a#, ", "]"),
    ("lines", "", "a#: aws::b#\n", ""),
    ("queries", "aws::a#", "#(a==#)", ""),
];

/// The inputs whose name contains a text: every other one a pod, or what makes it.
pub(super) fn inputs(pods: &Pods, named: &str, size: usize) -> impl Iterator<Item = (String, Input)> + use<> {
    let (all, named) = (pods.all.clone(), named.to_owned());
    let (mut places, mut seen) = (Vec::new(), BTreeSet::new());
    for (index, pod) in all.iter().enumerate() {
        walk(pod, String::new(), &mut |pointer| {
            if seen.insert(pointer.replace(|c: char| c.is_ascii_digit(), "")) {
                places.push((index, pointer));
            }
        });
    }
    let grown = all;
    let in_places = places.into_iter().flat_map(move |(index, pointer)| {
        let pod = grown[index].clone();
        let variants = pod.pointer(&pointer).map(|value| variants(value, size)).unwrap_or_default();
        variants
            .into_iter()
            .map(move |(name, value)| (format!("{pointer} of {name}"), with(&pod, &pointer, &value)))
    });
    let pods = in_places.chain(annotated(size)).chain(crowded(size));
    pods.flat_map(|(name, pod)| {
        [Workload::Pod, Workload::Deployment]
            .map(|workload| (format!("{workload}{name}"), workload, pod.clone()))
    })
    .filter(move |(name, ..)| name.contains(&named))
    .map(|(name, workload, pod)| (name, input(workload, pod)))
}

fn input(workload: Workload, pod: Value) -> Input {
    if workload == Workload::Pod {
        return Input::Pod(pods::envelope(workload, "CREATE", &pod, &Value::Null).to_string().into_bytes());
    }
    let mut old = pod.clone();
    old["metadata"]["labels"] = json!({"other": "one"});
    let (new, old) = (pods::around(workload, pod), pods::around(workload, old));
    Input::Workload(pods::envelope(workload, "UPDATE", &new, &old).to_string().into_bytes())
}

/// A pod that asks for something, with containers of its own.
fn asking(annotations: Map<String, Value>, containers: &Value) -> Value {
    let mut pod = json!({
        "metadata": {"name": "web", "annotations": {
            "keyhatch.dev/inject": "true", "keyhatch.dev/secret-db.json": "aws::prod/db",
        }},
        "spec": {"containers": containers},
    });
    if let Some(all) = pod["metadata"]["annotations"].as_object_mut() {
        all.extend(annotations);
    }
    pod
}

/// Each annotation with long values, and very many annotations.
fn annotated(size: usize) -> impl Iterator<Item = (String, Value)> {
    let app = json!([{"name": "app", "image": "i", "command": ["/app"]}]);
    let one = app.clone();
    let long = NAMES.into_iter().chain(["secret-a", "env-A", "perms-db.json"]).flat_map(move |name| {
        let app = one.clone();
        ITEMS.into_iter().map(move |(kind, start, item, end)| {
            let count = size / (item.len() + 4);
            let items: String = (0..count).map(|number| item.replace('#', &number.to_string())).collect();
            let value = format!("{start}{items}{end}").into();
            let annotations = Map::from_iter([(format!("keyhatch.dev/{name}"), value)]);
            (format!("/{name} of {kind}"), asking(annotations, &app))
        })
    });
    let many = ["secret-#", "env-A#", "perms-#", "x-#", "nmae#", "secret-a/#"].into_iter().map(move |name| {
        let count = size / (name.len() + 40);
        let one = |number: usize| {
            (format!("keyhatch.dev/{}", name.replace('#', &number.to_string())), "aws::prod/db".into())
        };
        (format!(" with many {name}"), asking((0..count).map(one).collect(), &app))
    });
    long.chain(many)
}

/// Very many containers, variables, mounts and volumes.
fn crowded(size: usize) -> impl Iterator<Item = (String, Value)> {
    let variable = |number: usize| json!({"name": format!("A{number}"), "value": "keyhatch:aws::b"});
    let equal = |_: usize| json!({"name": "A", "value": "keyhatch:aws::b"});
    let expanding = |number: usize| json!({"name": format!("B{number}"), "value": "$(A)"});
    let of_file = |_: usize| {
        let from = json!({"volumeName": "keyhatch", "path": ".env/app", "key": "A", "optional": false});
        json!({"name": "A", "valueFrom": {"fileKeyRef": from}})
    };
    let mount = |number: usize| json!({"name": "keyhatch", "mountPath": format!("/m{number}")});
    let container = |number: usize| json!({"name": format!("c{number}"), "image": "i", "command": ["/app"]});
    let many = |item: &dyn Fn(usize) -> Value| -> Value {
        (0..size / item(10_000).to_string().len()).map(item).collect()
    };
    let app = |key: &str, list: Value| {
        let mut app = json!({"name": "app", "image": "i"});
        app[key] = list;
        json!([app])
    };
    let lists = [
        ("references", app("env", many(&variable))),
        ("equal references", app("env", many(&equal))),
        ("expansions", app("env", many(&expanding))),
        ("variables of files", app("env", many(&of_file))),
        ("mounts", app("volumeMounts", many(&mount))),
        ("containers", many(&container)),
    ];
    let names = [("", None), (", kubelet", Some(("keyhatch.dev/env-via", "kubelet")))];
    lists.into_iter().flat_map(move |(name, containers)| {
        names.map(|(how, annotation)| {
            let variable = ("keyhatch.dev/env-A".to_owned(), "aws::a".into());
            let annotation = annotation.map(|(key, value)| (key.to_owned(), value.into()));
            let annotations = [variable].into_iter().chain(annotation).collect();
            (format!(" with many {name}{how}"), asking(annotations, &containers))
        })
    })
}
