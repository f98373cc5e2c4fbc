//! What a template does when it runs, noted while it is parsed: in every run, or in some.

use super::Template;

/// What was noted, and where in the template the parser is.
#[derive(Debug)]
pub(super) struct Noted<'t> {
    keys: Vec<&'t str>,
    /// Keys of the data with the field that is taken from their value.
    pub(super) fields: Vec<(&'t str, &'t str)>,
    /// Keys that some runs read.
    sometimes: Vec<&'t str>,
    /// Keys that `index` looks for, outside of conditions and in them.
    sought: Vec<&'t str>,
    asked: Vec<&'t str>,
    /// The texts that every run writes.
    texts: Vec<&'t str>,
    /// The templates that every run calls by name.
    pub(super) used: Vec<Vec<u8>>,
    pub(super) here: Place,
}

/// What is known of the place that is parsed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// Whether it is evaluated in every run, with the template's data as dot and as `$`.
    pub(super) is_certain: bool,
    /// Whether dot is the template's data.
    pub(super) dot_is_data: bool,
    /// Whether `$` is, unless it was set to something else.
    root_is_data: bool,
    /// Whether it is what a block depends on.
    pub(super) is_condition: bool,
}

impl Place {
    /// In a definition nothing is known of the data.
    pub(super) const DEFINITION: Self =
        Self { is_certain: false, dot_is_data: false, root_is_data: false, is_condition: false };
}

impl<'t> Noted<'t> {
    pub(super) const fn new() -> Self {
        let here = Place { is_certain: true, dot_is_data: true, root_is_data: true, is_condition: false };
        Self {
            keys: Vec::new(),
            fields: Vec::new(),
            sometimes: Vec::new(),
            sought: Vec::new(),
            asked: Vec::new(),
            texts: Vec::new(),
            used: Vec::new(),
            here,
        }
    }

    pub(super) fn text(&mut self, text: &'t str) {
        self.texts.extend(self.here.is_certain.then_some(text));
    }

    /// A field of dot; answers the key if every run reads it.
    pub(super) fn field_of_dot(&mut self, field: &'t str) -> Option<&'t str> {
        self.key(field, self.here.dot_is_data)
    }

    /// A field of `$`, which was not set to anything; answers the key if every run reads it.
    pub(super) fn field_of_root(&mut self, field: &'t str) -> Option<&'t str> {
        self.key(field, self.here.root_is_data)
    }

    fn key(&mut self, field: &'t str, is_of_data: bool) -> Option<&'t str> {
        let key = field.strip_prefix('.')?;
        if self.here.is_certain {
            self.keys.push(key);
            return Some(key);
        }
        self.sometimes.extend(is_of_data.then_some(key));
        None
    }

    /// A key that `index` looks for in dot or `$`.
    pub(super) fn index(&mut self, key: &'t str, is_of_root: bool) {
        let is_of_data = if is_of_root { self.here.root_is_data } else { self.here.dot_is_data };
        let list = if self.here.is_condition { &mut self.asked } else { &mut self.sought };
        list.extend(is_of_data.then_some(key));
    }

    /// All of it; `is_defined` says which templates there are.
    pub(super) fn into_template(self, is_defined: impl Fn(&[u8]) -> bool) -> Template<'t> {
        let Self { keys, fields, mut sometimes, mut sought, asked, texts, used, here: _ } = self;
        let (keys, asked) = (sorted(keys), sorted(asked));
        // What a condition asks for may be missing, in the template's own opinion.
        let is_news = |key: &&str| keys.binary_search(key).is_err() && asked.binary_search(key).is_err();
        sometimes.retain(is_news);
        sought.retain(is_news);
        let undefined = used.into_iter().find(|name| !is_defined(name));
        let undefined = undefined.map(|name| crate::go::excerpt(&String::from_utf8_lossy(&name)));
        Template {
            fields: sorted(fields),
            sometimes: sorted(sometimes),
            sought: sorted(sought),
            keys,
            texts,
            undefined,
        }
    }
}

fn sorted<T: Ord>(mut all: Vec<T>) -> Vec<T> {
    all.sort_unstable();
    all.dedup();
    all
}
