//! Takes the text of a reference and gives the [`SecretRef`], or says what is wrong with it.

use std::str::FromStr;

use thiserror::Error;

use super::{Content, Decoding, SecretRef, Store, Version};
use crate::api::common::StoreKind;
use crate::aws::arn::{self, ArnError};
use crate::aws::secret_name::{self, NameError, VersionError};
use crate::go::gjson::{self, GjsonError};
use crate::suggest;

/// The longest reference, in bytes.
const MAX_LENGTH: usize = 4096;

/// Why a text is no reference.
#[derive(Debug, Error, PartialEq, Eq)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ReferenceError {
    #[error("a reference has at most {MAX_LENGTH} bytes, this has {0}")]
    TooLong(usize),
    #[error(
        "{0:?} is no store: write the name of a SecretStore, or cluster/ and the name of a ClusterSecretStore"
    )]
    Store(String),
    #[error("{0}")]
    Name(#[from] NameError),
    #[error("{0}")]
    Arn(#[from] ArnError),
    #[error("{0}")]
    Version(#[from] VersionError),
    #[error("{0}")]
    Property(#[from] GjsonError),
    #[error("nothing behind #: name the property, or leave # out for the whole secret")]
    NoProperty,
    #[error("{name:?} is no option; options are version, metadata and decode{}", did_you_mean(*meant))]
    Option { name: String, meant: Option<&'static str> },
    #[error("{0:?} has no value: options are written ?version=AWSPREVIOUS&decode=base64")]
    NoValue(String),
    #[error("{0} is given twice")]
    Twice(&'static str),
    #[error("metadata={0:?}: only tags can be read")]
    Metadata(String),
    #[error("decode={text:?} is none of base64, base64url, auto and none{}", did_you_mean(*meant))]
    Decode { text: String, meant: Option<&'static str> },
    #[error("version and metadata exclude each other: tags belong to the secret, not to a version of it")]
    VersionOfTags,
    #[error("{0:?}: % is written with two hexadecimal digits behind it")]
    Percent(String),
}

fn did_you_mean(meant: Option<&str>) -> String {
    meant.map(|meant| format!("; did you mean {meant}?")).unwrap_or_default()
}

const OPTIONS: [&str; 3] = ["version", "metadata", "decode"];
const DECODINGS: [Decoding; 4] = [Decoding::Base64, Decoding::Base64Url, Decoding::Auto, Decoding::None];

impl FromStr for SecretRef {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        if text.len() > MAX_LENGTH {
            return Err(ReferenceError::TooLong(text.len()));
        }
        // Behind the first # everything is property: no part in front of it has one.
        let (head, property) = match text.split_once('#') {
            Some((_, "")) => return Err(ReferenceError::NoProperty),
            Some((head, property)) => (head, Some(property)),
            None => (text, None),
        };
        let (name, options) =
            head.split_once('?').map_or((head, None), |(name, options)| (name, Some(options)));
        let (store, key) = match name.split_once("::") {
            Some((store, key)) if !name.starts_with("arn:") => (Some(store.parse()?), key),
            _ => (None, name),
        };
        check_key(key)?;
        if let Some(property) = property {
            check_property(property)?;
        }
        let (content, decoding) = read_options(options)?;
        Ok(Self { store, key: key.to_owned(), content, property: property.map(str::to_owned), decoding })
    }
}

/// The key of a secret: its name or its ARN.
pub(super) fn check_key(key: &str) -> Result<(), ReferenceError> {
    if key.starts_with("arn:") {
        arn::secret(key)?;
    } else {
        secret_name::check(key)?;
    }
    Ok(())
}

pub(super) fn check_property(property: &str) -> Result<(), ReferenceError> {
    Ok(gjson::check_limits(property)?)
}

impl FromStr for Store {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let (kind, name) = match text.strip_prefix("cluster/") {
            Some(name) => (StoreKind::ClusterSecretStore, name),
            None => (StoreKind::SecretStore, text),
        };
        if !is_subdomain(name) {
            return Err(ReferenceError::Store(text.to_owned()));
        }
        Ok(Self { kind, name: name.to_owned() })
    }
}

/// DNS-1123: labels of small letters, digits and hyphens, with dots between them.
fn is_subdomain(name: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b == b'-' || b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

fn read_options(options: Option<&str>) -> Result<(Content, Decoding), ReferenceError> {
    let [mut version, mut metadata, mut decode] = [None, None, None];
    for option in options.into_iter().flat_map(|options| options.split('&')) {
        let no_value = || ReferenceError::NoValue(option.to_owned());
        let (name, value) =
            option.split_once('=').filter(|(_, value)| !value.is_empty()).ok_or_else(no_value)?;
        let (slot, known) = match name {
            "version" => (&mut version, "version"),
            "metadata" => (&mut metadata, "metadata"),
            "decode" => (&mut decode, "decode"),
            _ => {
                let meant = suggest::nearest(name, OPTIONS);
                return Err(ReferenceError::Option { name: name.to_owned(), meant });
            }
        };
        if slot.replace(unescape(value)?).is_some() {
            return Err(ReferenceError::Twice(known));
        }
    }
    let content = match (version, metadata) {
        (Some(_), Some(_)) => return Err(ReferenceError::VersionOfTags),
        (None, Some(metadata)) if metadata == "tags" => Content::Tags,
        (None, Some(metadata)) => return Err(ReferenceError::Metadata(metadata)),
        (version, None) => Content::Value(Version::parse(&version.unwrap_or_default())?),
    };
    Ok((content, decode.map_or(Ok(Decoding::None), |decode| read_decoding(&decode))?))
}

fn read_decoding(text: &str) -> Result<Decoding, ReferenceError> {
    let unknown = || ReferenceError::Decode {
        text: text.to_owned(),
        meant: suggest::nearest(text, DECODINGS.map(Decoding::as_str)),
    };
    DECODINGS.into_iter().find(|decoding| decoding.as_str() == text).ok_or_else(unknown)
}

/// The value of an option, without what ends one.
pub(super) fn escape(value: &str) -> String {
    value.replace('%', "%25").replace('#', "%23").replace('&', "%26")
}

fn unescape(value: &str) -> Result<String, ReferenceError> {
    let percent = || ReferenceError::Percent(value.to_owned());
    let mut pieces = value.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let (digits, rest) = piece.split_at_checked(2).ok_or_else(percent)?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(percent());
        }
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| percent())?);
        bytes.extend(rest.bytes());
    }
    String::from_utf8(bytes).map_err(|_| percent())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ID: &str = "01234567-89ab-cdef-0123-456789abcdef";
    const ARN: &str = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/db-AbCdEf";

    fn read(text: &str) -> SecretRef {
        text.parse().unwrap()
    }

    #[test]
    fn every_part_is_read() {
        let full = read(&format!("cluster/aws.eu::prod/db?decode=base64&version=uuid/{ID}#a.b#c?d::e"));
        assert_eq!(full.store, Some(Store { kind: StoreKind::ClusterSecretStore, name: "aws.eu".into() }));
        assert_eq!(full.key, "prod/db");
        assert_eq!(full.content, Content::Value(Version::Id(ID.into())));
        assert_eq!(full.property.as_deref(), Some("a.b#c?d::e"));
        assert_eq!(full.decoding, Decoding::Base64);
        let plain = read("prod/db");
        assert_eq!((plain.store, plain.property), (None, None));
        assert_eq!(plain.content, Content::Value(Version::default()));
        assert_eq!(read("db?metadata=tags#owner").content, Content::Tags);
        assert_eq!(read(ARN).store, None);
        assert_eq!(read(&format!("aws::{ARN}#a")).key, ARN);
        assert_eq!(
            read("db?version=blue%23%26%25").content,
            Content::Value(Version::Stage("blue#&%".into()))
        );
        assert_eq!(read("db?version=AWSCURRENT"), read("db"));
    }

    #[test]
    fn mistakes_are_named() {
        for (text, message) in [
            ("", "name the secret"),
            ("aws::", "name the secret"),
            ("a b", "' ' cannot be in a secret's name; allowed are A-Z a-z 0-9 / _ + = . @ -"),
            (
                "AWS::a",
                "\"AWS\" is no store: write the name of a SecretStore, or cluster/ and the name of a ClusterSecretStore",
            ),
            ("a#", "nothing behind #: name the property, or leave # out for the whole secret"),
            ("a?", "\"\" has no value: options are written ?version=AWSPREVIOUS&decode=base64"),
            (
                "a?verson=x",
                "\"verson\" is no option; options are version, metadata and decode; did you mean version?",
            ),
            ("a?version=a&version=b", "version is given twice"),
            ("a?metadata=labels", "metadata=\"labels\": only tags can be read"),
            (
                "a?metadata=tags&version=blue",
                "version and metadata exclude each other: tags belong to the secret, not to a version of it",
            ),
            (
                "a?decode=bas64",
                "decode=\"bas64\" is none of base64, base64url, auto and none; did you mean base64?",
            ),
            ("a?version=awscurrent", "staging labels are case-sensitive and exact: did you mean AWSCURRENT?"),
            ("a?version=%2", "\"%2\": % is written with two hexadecimal digits behind it"),
            (
                "arn:aws:ssm:eu-central-1:123456789012:parameter/x",
                "an ARN of \"ssm\" where one of \"secretsmanager\" is needed",
            ),
        ] {
            assert_eq!(text.parse::<SecretRef>().unwrap_err().to_string(), message, "{text}");
        }
        assert!(matches!(
            format!("a#{}", "a.".repeat(64)).parse::<SecretRef>(),
            Err(ReferenceError::Property(_))
        ));
    }

    fn references() -> impl Strategy<Value = SecretRef> {
        let store = prop::option::of((any::<bool>(), "[a-z0-9]{1,5}(\\.[a-z0-9]{1,3})?").prop_map(
            |(cluster, name)| {
                let kind = if cluster { StoreKind::ClusterSecretStore } else { StoreKind::SecretStore };
                Store { kind, name }
            },
        ));
        let version =
            prop_oneof!["[^a-zA-Z]{1,8}".prop_map(Version::Stage), "\\PC{32,64}".prop_map(Version::Id)];
        let content = prop_oneof![
            Just(Content::Tags),
            version.prop_map(Content::Value),
            Just(Content::Value(Version::default()))
        ];
        let key = prop_oneof!["[-A-Za-z0-9/_+=.@]{1,20}", Just(ARN.to_owned())];
        let decoding = (0..DECODINGS.len()).prop_map(|index| DECODINGS[index]);
        (store, key, content, prop::option::of(".{1,20}"), decoding).prop_map(
            |(store, key, content, property, decoding)| SecretRef { store, key, content, property, decoding },
        )
    }

    proptest! {
        #[test]
        fn what_is_written_reads_the_same(reference in references()) {
            if let Some(store) = &reference.store {
                prop_assert_eq!(&store.to_string().parse::<Store>(), &Ok(store.clone()));
            }
            prop_assert_eq!(reference.to_string().parse::<SecretRef>(), Ok(reference));
        }

        #[test]
        fn never_panics(text in r"([a-z]{0,3}|::|[?&=#%/:.]|version|arn:aws|decode|tags|\PC){0,12}") {
            if let Ok(reference) = text.parse::<SecretRef>() {
                prop_assert_eq!(reference.to_string().parse::<SecretRef>(), Ok(reference));
            }
        }
    }
}
