//! Text or a value in, the place of a Helm action out: templates must be rendered before they are judged.
//!
//! Manifests of ours hold Go templates, too. Helm's own objects inside an action are the difference.

use serde_json::Value;

use crate::field;

/// What to do with an unrendered template.
pub(super) const UNRENDERED: &str =
    "an unrendered Helm template; check what `helm template` prints: helm template . | keyhatch check -";

/// The line of the first action of Helm's in a text that is no YAML, from 1. Manifests have no line that begins
/// with an action; charts are full of them.
pub(super) fn line_in_text(text: &str) -> Option<usize> {
    let is_helm = |line: &str| line.starts_with("{{") || is_helm(line);
    text.lines().position(is_helm).map(|index| index + 1)
}

/// The path of the first text below a value that holds an action of Helm's. Quoted, such actions are valid YAML,
/// and to judge them as values would tell nonsense.
pub(super) fn field_in_value(value: &Value, path: &str) -> Option<String> {
    match value {
        Value::String(text) => is_helm(text).then(|| path.to_owned()),
        Value::Array(items) => {
            let mut items = items.iter().enumerate();
            items.find_map(|(index, item)| field_in_value(item, &format!("{path}[{index}]")))
        }
        Value::Object(members) => members.iter().find_map(|(key, value)| {
            let inner = field::join(path, key);
            if is_helm(key) { Some(inner) } else { field_in_value(value, &inner) }
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

fn is_helm(text: &str) -> bool {
    let mut rest = text;
    while let Some((_, opened)) = rest.split_once("{{") {
        let (action, after) = opened.split_once("}}").unwrap_or((opened, ""));
        if is_helm_action(action) {
            return true;
        }
        rest = after;
    }
    false
}

/// Helm's objects and functions; what stands in quotes is text.
fn is_helm_action(action: &str) -> bool {
    const OBJECTS: [&str; 6] = ["Values", "Release", "Chart", "Capabilities", "Files", "Template"];
    let code: String = action.split(['"', '`']).step_by(2).collect::<Vec<_>>().join("\"");
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let names_object = code.match_indices('.').any(|(at, _)| {
        let (before, after) = (code.get(..at).unwrap_or_default(), code.get(at + 1..).unwrap_or_default());
        let is_root = !before.ends_with(is_part) && !before.ends_with([')', '.']);
        is_root && after.split_once('.').is_some_and(|(object, _)| OBJECTS.contains(&object))
    });
    let mut words = code.split(|c: char| !is_part(c) && c != '"' && c != '.' && c != '$');
    names_object || words.any(|word| word == "include")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn helms_actions_are_told_from_templates_of_ours() {
        for text in [
            "{{ .Values.region }}",
            "a {{- $.Values.region | quote -}} b",
            "{{ .password }}{{ .Release.Name }}",
            "{{ include \"x\" . }}",
            "{{ include `x` $ | nindent 4 }}",
            "{{ printf \"%s\" (.Chart.Name) }}",
            "{{ .Files.Get \"a\" }}",
        ] {
            assert!(is_helm(text), "{text}");
        }
        for text in [
            "{{ .password }} api.Release.url=x",
            "{{ .password }}\nlogging.Files.path=/x\n{{ .user }}",
            "{{ printf \"api.Release.url=%s .Values.x\" .password }}",
            "{{ .a.Values.b }}",
            "{{ index . \"include\" }}",
            ".Values.x",
            "include \"x\"",
        ] {
            assert!(!is_helm(text), "{text}");
        }
    }

    #[test]
    fn the_place_is_named() {
        let value =
            json!({"metadata": {"name": "a"}, "spec": {"data": [{"x": 1}, {"y": "{{ .Values.y }}"}]}});
        assert_eq!(field_in_value(&value, "").as_deref(), Some("spec.data[1].y"));
        assert_eq!(line_in_text("a: 1\n{{- if .x }}\n"), Some(2));
        assert_eq!(line_in_text("a: [\nb: {{ .Values.x }}\n"), Some(2));
        assert_eq!(line_in_text("a: [\n"), None);
    }
}
