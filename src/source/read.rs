//! What a reference means: a reference or a search in, its values out. Selection is [`crate::extract`]'s.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::error::SourceError;
use super::{Access, Source, list};
use crate::cache::{Answer, Asked, Key, Payload, Value, Version};
use crate::extract::{self, Finder, Values};
use crate::reference::{self, Content, SecretQuery, SecretRef};
use crate::secret_value::SecretValue;

/// A reference's value, and AWS's answer that it was taken from.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The value: the secret's, or the part of it that was asked for.
    pub value: SecretValue,
    /// AWS's answer.
    pub answer: Answer,
}

impl Source {
    /// The value that a reference means.
    ///
    /// # Errors
    /// AWS's, classified; a part that is not there or cannot be read.
    pub async fn resolve(
        &self,
        access: &Arc<Access>,
        reference: &SecretRef,
        max_age: Option<Duration>,
    ) -> Result<Resolved, SourceError> {
        let answer = self.answer(access, reference, max_age).await?;
        Ok(Resolved { value: extract::value(reference, &document(&answer.payload))?, answer })
    }

    /// Every key of the JSON object that a reference means, before any rewriting; and AWS's answer.
    ///
    /// # Errors
    /// AWS's, classified; what is no JSON object.
    pub async fn members(
        &self,
        access: &Arc<Access>,
        reference: &SecretRef,
        max_age: Option<Duration>,
    ) -> Result<(Values, Answer), SourceError> {
        let answer = self.answer(access, reference, max_age).await?;
        Ok((extract::members(reference, &document(&answer.payload))?, answer))
    }

    /// AWS's answers about all secrets that a search means, by name. A secret that goes meanwhile is none of them; one that
    /// cannot be read fails the search, since leaving it out would look as if it did not exist.
    ///
    /// # Errors
    /// AWS's, classified.
    pub async fn find(
        &self,
        access: &Arc<Access>,
        query: &SecretQuery,
        max_age: Option<Duration>,
    ) -> Result<BTreeMap<String, Answer>, SourceError> {
        let begun = Instant::now();
        let finder = Finder::new(query, &access.plan.prefix);
        let listed = list::list(&access.lane, &finder.filters()).await;
        let listed = self.heeded(access, listed)?;
        let mut reading = JoinSet::new();
        for secret in listed.into_iter().filter(|secret| finder.takes(&secret.name, &secret.tags)) {
            let (source, access) = (self.clone(), Arc::clone(access));
            reading.spawn(async move {
                let answer = source.listed(&access, &secret.name, max_age, begun).await;
                (secret.name, answer)
            });
        }
        let mut found = BTreeMap::new();
        while let Some(Ok((name, answer))) = reading.join_next().await {
            match answer {
                Ok(answer) => drop(found.insert(name, answer)),
                Err(error) if error.is_absent() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// The value of one that AWS has just listed: it may have been made after somebody asked for it in vain.
    async fn listed(
        &self,
        access: &Arc<Access>,
        name: &str,
        max_age: Option<Duration>,
        begun: Instant,
    ) -> Result<Answer, SourceError> {
        let asked = Asked::Value(Version::Current);
        match self.fetch(access, name, asked.clone(), max_age).await {
            Err(error) if error.is_absent() => self.fetch(access, name, asked, Some(begun.elapsed())).await,
            answer => answer,
        }
    }

    /// What AWS says of the secret that a reference means, before anything is selected.
    ///
    /// # Errors
    /// AWS's, classified; also those that were kept.
    pub async fn answer(
        &self,
        access: &Arc<Access>,
        reference: &SecretRef,
        max_age: Option<Duration>,
    ) -> Result<Answer, SourceError> {
        let id = reference.secret_id(&access.plan.prefix)?;
        self.fetch(access, &id, Asked::from(&reference.content), max_age).await
    }

    /// The same, if AWS was asked before, however long ago; it is not asked now.
    pub fn known(&self, access: &Arc<Access>, reference: &SecretRef) -> Option<Result<Answer, SourceError>> {
        let id = reference.secret_id(&access.plan.prefix).ok()?.into();
        let key = Key { who: Arc::clone(&access.who), id, asked: Asked::from(&reference.content) };
        self.cache.kept(key).map(|answer| Ok(answer?))
    }
}

impl From<&Content> for Asked {
    fn from(content: &Content) -> Self {
        match content {
            Content::Tags => Self::Tags,
            Content::Value(version) if version.is_current() => Self::Value(Version::Current),
            Content::Value(reference::Version::Stage(stage)) => {
                Self::Value(Version::Stage(stage.as_str().into()))
            }
            Content::Value(reference::Version::Id(id)) => Self::Value(Version::Id(id.as_str().into())),
        }
    }
}

/// What there is to select from. The bytes are shared, not copied.
pub fn document(payload: &Payload) -> SecretValue {
    match &payload.value {
        Value::Text(bytes) | Value::Binary(bytes) => bytes.clone(),
        Value::Tags(tags) => {
            extract::tags_document(tags.iter().map(|(key, value)| (key.as_str(), value.as_str())))
        }
    }
}
