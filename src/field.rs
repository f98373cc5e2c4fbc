//! Where in an object something was found: `spec.data[2].remoteRef.key`.
//!
//! A [`Field`] is a chain of borrowed segments on the caller's stack, so walking an object without
//! mistakes allocates nothing; it becomes text only when a finding is made.

use std::borrow::Cow;
use std::fmt;

use crate::bounded::bounded;

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
            Self::Key(parent, name) if !is_plain(name) => write!(f, "{parent}[{}]", shown(name)),
            Self::Key(Self::Root | Self::Path(""), name) => f.write_str(&shown(name)),
            Self::Key(parent, name) => write!(f, "{parent}.{}", shown(name)),
        }
    }
}

/// The longest name that is printed whole, in bytes: longer ones are none that Kubernetes knows.
const LONGEST: usize = 512;

/// A name, cut if it is too long: an answer must not outgrow the review.
fn shown(name: &str) -> Cow<'_, str> {
    bounded(name, LONGEST)
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
        // No further than the digits: a name may be megabytes of brackets.
        let tail = after.trim_start_matches(|c: char| c.is_ascii_digit());
        match tail.strip_prefix(']') {
            Some(tail) if !after.starts_with(']') => {
                out.push_str("[]");
                rest = tail;
            }
            Some(_) | None => {
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
    fn names_of_megabytes_are_cut_and_cost_nothing() {
        let started = std::time::Instant::now();
        for name in ["[", "]", "[0", "é", "a", "."] {
            let name = name.repeat(1 << 20);
            let field = Field::Root.key("spec");
            let printed = field.key(&name).to_string();
            assert!(printed.len() < 600, "{}", printed.len());
            assert!(without_indices(&name).len() <= name.len());
        }
        assert!(started.elapsed() < std::time::Duration::from_secs(5), "{:?}", started.elapsed());
    }

    #[test]
    fn indices_can_be_left_out() {
        assert_eq!(without_indices("spec.data[12].a[0][1]"), "spec.data[].a[][]");
        assert_eq!(without_indices("spec.labels[a/b].x"), "spec.labels[a/b].x");
        assert_eq!(without_indices("a[][1]b[2c][3"), "a[][]b[2c][3");
    }
}
