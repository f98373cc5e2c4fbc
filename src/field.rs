//! Where in an object something was found: `spec.data[2].remoteRef.key`.
//!
//! A [`Field`] is a chain of borrowed segments on the caller's stack, so walking an object without
//! mistakes allocates nothing; it becomes text only when a finding is made.

use std::fmt;

/// A place in an object, printed as Kubernetes prints field paths.
#[derive(Clone, Copy, Debug)]
pub enum Field<'a> {
    /// The object itself.
    Root,
    /// A path that was printed before.
    Path(&'a str),
    /// A named member of the parent.
    Key(&'a Self, &'a str),
    /// An element of a list.
    Index(&'a Self, usize),
}

impl Field<'_> {
    /// The member `name` of this field.
    pub fn key<'a>(&'a self, name: &'a str) -> Field<'a> {
        Field::Key(self, name)
    }

    /// Element `index` of this list.
    pub fn index(&self, index: usize) -> Field<'_> {
        Field::Index(self, index)
    }
}

impl fmt::Display for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Path(path) => f.write_str(path),
            Self::Index(parent, index) => write!(f, "{parent}[{index}]"),
            Self::Key(parent, name) if !is_plain(name) => write!(f, "{parent}[{name}]"),
            Self::Key(Self::Root | Self::Path(""), name) => f.write_str(name),
            Self::Key(parent, name) => write!(f, "{parent}.{name}"),
        }
    }
}

/// Map keys such as `example.com/team` are printed in brackets, as the API server does.
fn is_plain(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// The path of a member, as [`Field`] prints it.
pub fn join(path: &str, name: &str) -> String {
    Field::Path(path).key(name).to_string()
}

/// The same path with list indices left out: what stays equal when an entry moves in its list.
pub fn without_indices(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('[') {
        out.push_str(before);
        match after.split_once(']') {
            Some((inner, tail)) if !inner.is_empty() && inner.bytes().all(|b| b.is_ascii_digit()) => {
                out.push_str("[]");
                rest = tail;
            }
            _ => {
                out.push('[');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_kubernetes_does() {
        let spec = Field::Root.key("spec");
        let data = spec.key("data");
        let entry = data.index(2);
        assert_eq!(entry.key("remoteRef").key("key").to_string(), "spec.data[2].remoteRef.key");
        assert_eq!(spec.key("labels").key("example.com/team").to_string(), "spec.labels[example.com/team]");
    }

    #[test]
    fn indices_can_be_left_out() {
        assert_eq!(without_indices("spec.data[12].a[0][1]"), "spec.data[].a[][]");
        assert_eq!(without_indices("spec.labels[a/b].x"), "spec.labels[a/b].x");
    }
}
