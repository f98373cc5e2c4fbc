//! Which ARN a name means. That belongs to one identity in one place: to another it is another secret, or none.

use std::collections::HashMap;
use std::sync::Arc;

use super::entry::{Key, Who};

/// Names of secrets whose ARN is known.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<Arc<Who>, HashMap<Arc<str>, Arc<str>>>);

impl Names {
    /// The ARN of what a key names.
    pub(super) fn arn(&self, key: &Key) -> Option<Arc<str>> {
        self.0.get(&key.who)?.get(&key.id).cloned()
    }

    /// Remembers what AWS said that a key's name means.
    pub(super) fn learn(&mut self, key: &Key, arn: &Arc<str>) {
        // One that does not follow from the ARN could not be forgotten with it.
        if others(arn).contains(&Some(&*key.id)) {
            let theirs = self.0.entry(Arc::clone(&key.who)).or_default();
            theirs.insert(Arc::clone(&key.id), Arc::clone(arn));
        }
    }

    /// Forgets the names of an ARN.
    pub(super) fn forget(&mut self, who: &Who, arn: &str) {
        let Some(theirs) = self.0.get_mut(who) else { return };
        for name in others(arn).into_iter().flatten() {
            if theirs.get(name).is_some_and(|known| **known == *arn) {
                theirs.remove(name);
            }
        }
        if theirs.is_empty() {
            self.0.remove(who);
        }
    }
}

/// Whether two names, or a name and an ARN, mean one secret to somebody in one place.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    let is_of = |arn: &str, name: &str| arn.starts_with("arn:") && others(arn).contains(&Some(name));
    one == other || is_of(one, other) || is_of(other, one)
}

/// How else the secret of an ARN can be named: its name, and its ARN without the hyphen and six characters that AWS
/// adds.
fn others(arn: &str) -> [Option<&str>; 2] {
    let partial = arn.len().checked_sub(7).and_then(|end| arn.get(..end));
    let name = partial.and_then(|partial| partial.splitn(7, ':').nth(6));
    [name, partial]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_as_its_arn_with_or_without_the_suffix_and_as_no_other() {
        let arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:app-AbCdEf";
        let names = ["app", arn, arn.strip_suffix("-AbCdEf").unwrap()];
        assert!(names.iter().all(|name| is_same(name, arn) && is_same(arn, name)));
        for other in
            ["app-AbCdEf", "ap", "", "arn:aws:secretsmanager:eu-central-1:111122223333:secret:b-AbCdEf"]
        {
            assert!(!is_same(other, arn) && !is_same(arn, other) && !is_same("app", other), "{other}");
        }
    }

    #[test]
    fn an_arn_tells_how_else_its_secret_can_be_named() {
        let start = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:";
        let [name, partial] =
            others("arn:aws:secretsmanager:eu-central-1:111122223333:secret:a:b/c-d-AbCdEf");
        assert_eq!((name, partial), (Some("a:b/c-d"), Some(format!("{start}a:b/c-d").as_str())));
        for odd in ["", "arn", "arn:aws", "\u{e9}abcdef"] {
            assert_eq!(others(odd)[0], None, "{odd}");
        }
    }
}
