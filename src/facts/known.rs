//! Facts about the objects of one kind, by namespace and name.

use std::collections::HashMap;

/// What is known of the objects of one kind.
#[derive(Clone, Debug)]
pub struct Known<V> {
    by_namespace: HashMap<Box<str>, HashMap<Box<str>, V>>,
    /// Where these are all objects of the kind that there are.
    pub complete: Complete,
}

/// Where everything is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Complete {
    /// Nowhere: what is not known may exist.
    #[default]
    Nowhere,
    /// In this namespace.
    Within(Box<str>),
    /// In the whole cluster.
    Everywhere,
}

/// The answer to a question about one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup<T> {
    /// It is there.
    Found(T),
    /// All are known, and it is not among them.
    Absent,
    /// Nobody knows.
    Unknown,
}

impl<T> Lookup<T> {
    /// The fact, if it is there.
    pub fn found(self) -> Option<T> {
        match self {
            Self::Found(value) => Some(value),
            Self::Absent | Self::Unknown => None,
        }
    }

    /// Whether it is known not to be there.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// The same where absence says nothing.
    pub fn or_unknown(self) -> Self {
        match self {
            Self::Found(value) => Self::Found(value),
            Self::Absent | Self::Unknown => Self::Unknown,
        }
    }
}

impl<V> Default for Known<V> {
    fn default() -> Self {
        Self { by_namespace: HashMap::new(), complete: Complete::Nowhere }
    }
}

impl<V> Known<V> {
    /// Remembers an object.
    pub fn insert(&mut self, namespace: &str, name: &str, value: V) {
        match self.by_namespace.get_mut(namespace) {
            Some(names) => names.insert(name.into(), value),
            None => self.by_namespace.entry(namespace.into()).or_default().insert(name.into(), value),
        };
    }

    /// Forgets an object that is gone.
    pub fn remove(&mut self, namespace: &str, name: &str) {
        if let Some(names) = self.by_namespace.get_mut(namespace) {
            names.remove(name);
            if names.is_empty() {
                self.by_namespace.remove(namespace);
            }
        }
    }

    /// Whether nothing is known: no object, and not that there is none.
    pub fn is_unknown(&self) -> bool {
        self.by_namespace.is_empty() && self.complete == Complete::Nowhere
    }

    /// Whether these are all objects of the kind that there are.
    pub fn is_complete(&self) -> bool {
        self.complete == Complete::Everywhere
    }

    /// Whether these are all objects of the kind in a namespace.
    pub fn is_complete_in(&self, namespace: &str) -> bool {
        match &self.complete {
            Complete::Nowhere => false,
            Complete::Within(known) => **known == *namespace,
            Complete::Everywhere => true,
        }
    }

    /// What is known of one object.
    pub fn get(&self, namespace: &str, name: &str) -> Lookup<&V> {
        match self.by_namespace.get(namespace).and_then(|names| names.get(name)) {
            Some(value) => Lookup::Found(value),
            None if self.is_complete_in(namespace) => Lookup::Absent,
            None => Lookup::Unknown,
        }
    }

    /// The objects of one namespace, with their names.
    pub fn within(&self, namespace: &str) -> impl Iterator<Item = (&str, &V)> {
        self.by_namespace.get(namespace).into_iter().flatten().map(|(name, value)| (&**name, value))
    }

    /// All objects, with namespace and name.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str, &V)> {
        self.by_namespace.iter().flat_map(|(namespace, names)| {
            names.iter().map(move |(name, value)| (&**namespace, &**name, value))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_absent_where_all_is_known_and_nowhere_else() {
        let mut known = Known::default();
        known.insert("a", "one", ());
        for (complete, in_a, in_b) in [
            (Complete::Nowhere, Lookup::Unknown, Lookup::Unknown),
            (Complete::Within("a".into()), Lookup::Absent, Lookup::Unknown),
            (Complete::Everywhere, Lookup::Absent, Lookup::Absent),
        ] {
            known.complete = complete;
            assert_eq!(known.get("a", "one"), Lookup::Found(&()));
            assert_eq!((known.get("a", "two"), known.get("b", "one")), (in_a, in_b), "{:?}", known.complete);
        }
    }
}
