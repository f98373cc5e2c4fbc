//! Which of an account's secrets a search means. What AWS filters is looked at again: it matches the beginnings of
//! names and tags, and a tag's key apart from its value.

use std::collections::BTreeMap;

use crate::reference::SecretQuery;

/// The most filters of one call.
const MAX_FILTERS: usize = 10;

/// A search in a store.
#[derive(Clone, Debug)]
pub struct Finder<'q> {
    query: &'q SecretQuery,
    /// What names start with: the store's prefix and the search's path.
    start: String,
}

/// What AWS is asked to filter by: more than the search means, never less.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// What names start with.
    pub name: Option<String>,
    /// Keys of tags.
    pub tag_keys: Vec<String>,
    /// Values of tags, of whatever key.
    pub tag_values: Vec<String>,
}

impl<'q> Finder<'q> {
    /// The search in a store with this prefix: it finds nothing outside of it, and a path that starts with the prefix
    /// is not put behind it again. Names are always whole.
    pub fn new(query: &'q SecretQuery, prefix: &str) -> Self {
        let path = query.path.as_deref().unwrap_or_default();
        let start = if path.starts_with(prefix) { path.to_owned() } else { format!("{prefix}{path}") };
        Self { query, start }
    }

    /// Whether names are listed first and what matches is then read. Otherwise AWS's filter by path is close enough to
    /// read whole pages of values; these have no tags.
    pub fn lists_names(&self) -> bool {
        self.query.path.is_none() || !self.query.tags.is_empty()
    }

    /// The filters for AWS.
    pub fn filters(&self) -> Filters {
        let mut filters = Filters { name: filter(&self.start).map(str::to_owned), ..Filters::default() };
        let mut left = MAX_FILTERS - usize::from(filters.name.is_some());
        for (text, list) in self.query.tags.iter().flat_map(|(key, value)| [(key, true), (value, false)]) {
            let Some(text) = filter(text).filter(|_| left > 0) else { continue };
            left -= 1;
            let list = if list { &mut filters.tag_keys } else { &mut filters.tag_values };
            list.push(text.to_owned());
        }
        filters
    }

    /// Whether the search means the secret.
    pub fn takes(&self, name: &str, tags: &BTreeMap<String, String>) -> bool {
        name.starts_with(&self.start)
            && self.query.tags.iter().all(|(key, value)| tags.get(key) == Some(value))
            && self.query.name.as_ref().is_none_or(|matcher| matcher.is_match(name))
    }
}

/// The text as a filter: an exclamation mark would negate it, and nothing is none.
fn filter(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty() && !text.starts_with('!'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::data_from::{Find, FindName};

    fn query(path: Option<&str>, name: Option<&str>, tags: &[(&str, &str)]) -> SecretQuery {
        let name = name.map(|regexp| FindName { regexp: regexp.to_owned() });
        let find = Find { path: path.map(str::to_owned), name, tags: owned(tags), ..Find::default() };
        SecretQuery::try_from(&find).unwrap()
    }

    fn owned(tags: &[(&str, &str)]) -> BTreeMap<String, String> {
        tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn names_paths_and_tags_have_to_match() {
        let by_name = query(None, Some("db"), &[]);
        let finder = Finder::new(&by_name, "");
        assert!(finder.takes("prod/db-1", &owned(&[])) && !finder.takes("prod/cache", &owned(&[])));
        let by_all = query(Some("prod/"), Some("^prod/db"), &[("env", "prod")]);
        let finder = Finder::new(&by_all, "");
        assert!(finder.takes("prod/db", &owned(&[("env", "prod"), ("x", "y")])));
        for (name, tags) in [
            ("dev/prod/db", &[("env", "prod")][..]),
            ("prod/db", &[("env", "production")]),
            ("prod/db", &[("env", "dev"), ("x", "prod")]),
            ("prod/x", &[("env", "prod")]),
            ("prod/db", &[]),
        ] {
            assert!(!finder.takes(name, &owned(tags)), "{name} {tags:?}");
        }
    }

    #[test]
    fn a_store_with_a_prefix_finds_nothing_outside_of_it() {
        let by_name = query(None, Some("db"), &[]);
        let finder = Finder::new(&by_name, "team-a/");
        assert!(finder.takes("team-a/db", &owned(&[])) && !finder.takes("team-b/db", &owned(&[])));
        assert_eq!(finder.filters().name.as_deref(), Some("team-a/"));
        for path in ["x/", "team-a/x/"] {
            let by_path = query(Some(path), None, &[("env", "prod")]);
            assert_eq!(Finder::new(&by_path, "team-a/").filters().name.as_deref(), Some("team-a/x/"));
        }
    }

    #[test]
    fn filters_never_leave_out_what_is_meant() {
        let by_tags = query(None, None, &[("!a", "x"), ("b", ""), ("c", "!y")]);
        let expected =
            Filters { name: None, tag_keys: vec!["b".into(), "c".into()], tag_values: vec!["x".into()] };
        assert_eq!(Finder::new(&by_tags, "").filters(), expected);
        let pairs: Vec<_> = (0..20).map(|index| (format!("k{index}"), format!("v{index}"))).collect();
        let pairs: Vec<_> = pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let many = query(Some("p"), None, &pairs);
        let filters = Finder::new(&many, "").filters();
        assert_eq!(
            filters.tag_keys.len() + filters.tag_values.len() + usize::from(filters.name.is_some()),
            MAX_FILTERS
        );
    }

    #[test]
    fn names_are_listed_unless_a_path_tells_enough() {
        for (path, name, tags, lists) in [
            (None, Some("a"), &[][..], true),
            (None, Some("a"), &[("t", "v")], true),
            (None, None, &[("t", "v")], true),
            (Some("p"), Some("a"), &[], false),
            (Some("p"), None, &[("t", "v")], true),
        ] {
            assert_eq!(Finder::new(&query(path, name, tags), "").lists_names(), lists);
        }
    }

    #[test]
    fn a_path_alone_is_no_search() {
        let find = Find { path: Some("p".into()), ..Find::default() };
        assert_eq!(
            SecretQuery::try_from(&find).unwrap_err().to_string(),
            "searches by name or tags; a path alone is none"
        );
    }
}
