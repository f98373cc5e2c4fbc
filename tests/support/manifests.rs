//! A copy of `manifests/` in which the API server calls a URL: where tests run, no Service has an address.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

/// Copies them to `folder`; `bin` says how the webhooks of `url` are registered.
pub(crate) fn copy_with_url(bin: &Path, folder: &Path, url: &str) {
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests"), folder);
    let all = configurations(bin, url, &[]);
    let all: Vec<_> = all.as_array().expect("a list").iter().map(Value::to_string).collect();
    fs::write(folder.join("base/webhook.yaml"), all.join("\n---\n")).expect("a writable folder");
    let webhooks = configurations(bin, url, &["--allow-namespace-enforce"])
        .pointer_mut("/0/webhooks")
        .map(Value::take)
        .expect("webhooks");
    let patch = json!([{"op": "replace", "path": "/webhooks", "value": webhooks}]);
    write(&folder.join("components/namespace-enforce/webhooks.yaml"), &patch);
}

fn configurations(bin: &Path, url: &str, flags: &[&str]) -> Value {
    let output = Command::new(bin).env_clear().args(["webhook-config", "--url", url]).args(flags).output();
    let output = output.expect("keyhatch runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut list: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    list.get_mut("items").map(Value::take).expect("items")
}

/// JSON is YAML.
pub(crate) fn write(file: &Path, value: &Value) {
    fs::write(file, value.to_string()).expect("a writable folder");
}

/// A folder with all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a writable folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        if entry.path().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
        }
    }
}
