//! Region names: known, plausible, or misspelt.
//!
//! AWS adds regions faster than clusters are upgraded, so a name that is not in the list but made of known
//! parts is plausible. Source: AWS General Reference, "AWS Regions" and the partitions of the AWS SDKs.

use std::borrow::Cow;

/// What a region's name turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Region {
    /// A region of the list, or a FIPS pseudo-region of one.
    Known(&'static str),
    /// Not in the list, but made of known parts: a region that may exist by now.
    Plausible(&'static str),
    /// No region. Carries what was probably meant.
    Misspelt(Suggestion),
}

/// What was probably meant instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Suggestion {
    /// A region that looks alike.
    DidYouMean(String),
    /// The name is an availability zone or local zone of this region.
    ZoneOf(String),
    /// Nothing looks alike.
    Nothing,
}

/// Whether the list has a region of exactly this name.
pub fn is_listed(name: &str) -> bool {
    KNOWN.binary_search(&name).is_ok()
}

/// Judges a region's name, as it stands in a store. Partition names are carried by `Known` and `Plausible`.
pub fn parse(name: &str) -> Region {
    let plain = if is_listed(name) { Cow::Borrowed(name) } else { without_fips(name) };
    let plain = plain.as_ref();
    if is_listed(plain) {
        return Region::Known(partition(plain));
    }
    if is_made_of_known_parts(plain) {
        return Region::Plausible(partition(plain));
    }
    Region::Misspelt(suggest(plain))
}

/// Whether a region of this name exists, or may by now.
pub fn may_exist(name: &str) -> bool {
    is_listed(name) || !matches!(parse(name), Region::Misspelt(_))
}

/// SDKs accept `us-east-1-fips` and `fips-us-east-1` as names for the FIPS endpoints of a region.
pub fn without_fips(name: &str) -> Cow<'_, str> {
    match name.strip_prefix("fips-").or_else(|| name.strip_suffix("-fips")) {
        Some(plain) => Cow::Borrowed(plain),
        None if name.contains("-fips-") => Cow::Owned(name.replacen("-fips-", "-", 1)),
        None => Cow::Borrowed(name),
    }
}

/// The partition whose ARNs and endpoints a region uses.
fn partition(region: &str) -> &'static str {
    let prefix = region.rsplitn(3, '-').nth(2).unwrap_or_default();
    PREFIXES.iter().find(|(known, _)| *known == prefix).map_or("aws", |(_, partition)| partition)
}

fn is_made_of_known_parts(name: &str) -> bool {
    let mut parts = name.rsplitn(3, '-');
    let (Some(number), Some(direction), Some(prefix)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let is_number = matches!(number.len(), 1..=2)
        && number.bytes().all(|b| b.is_ascii_digit())
        && !number.starts_with('0');
    is_number && DIRECTIONS.contains(&direction) && PREFIXES.iter().any(|(known, _)| *known == prefix)
}

fn suggest(name: &str) -> Suggestion {
    let folded = name.trim().to_ascii_lowercase().replace(['_', ' '], "-");
    if let Some(region) = region_of_zone(&folded) {
        return Suggestion::ZoneOf(region.to_owned());
    }
    if folded.len() > 32 {
        return Suggestion::Nothing; // no name of that length is near any region
    }
    let nearest = |name: &str| {
        let distances = KNOWN.iter().map(|region| (strsim::osa_distance(name, region), *region));
        distances.filter(|(distance, _)| *distance <= 3).min_by_key(|(distance, _)| *distance)
    };
    if let Some((_, region)) = nearest(&folded) {
        return Suggestion::DidYouMean(region.to_owned());
    }
    // `us-east-1-fipss`: a slip in what follows the region.
    match folded.rsplit_once('-') {
        Some((region, end)) if strsim::osa_distance(end, "fips") <= 2 => nearest(region)
            .map_or(Suggestion::Nothing, |(_, region)| Suggestion::DidYouMean(format!("{region}-fips"))),
        _ => Suggestion::Nothing,
    }
}

/// `us-east-1a`, `us-west-2-lax-1a` and `us-east-1-wl1-bos-wlz-1` are zones of a region.
fn region_of_zone(name: &str) -> Option<&'static str> {
    let is_zone = |rest: &str| {
        let end = rest.rsplit('-').next().unwrap_or_default();
        let (number, letter) = end.split_at_checked(end.len().saturating_sub(1)).unwrap_or_default();
        let is_lettered = letter.bytes().all(|b| b.is_ascii_lowercase()) && !letter.is_empty();
        let is_numbered = number.bytes().all(|b| b.is_ascii_digit());
        match rest.strip_prefix('-') {
            None => rest.len() == 1 && is_lettered,
            Some(_) => rest.contains("-wlz-") || is_lettered && is_numbered && !number.is_empty(),
        }
    };
    KNOWN.iter().copied().find(|region| name.strip_prefix(region).is_some_and(is_zone))
}

/// Name prefixes and the partition they belong to.
const PREFIXES: &[(&str, &str)] = &[
    ("af", "aws"),
    ("ap", "aws"),
    ("ca", "aws"),
    ("cn", "aws-cn"),
    ("eu", "aws"),
    ("eu-isoe", "aws-iso-e"),
    ("eusc-de", "aws-eusc"),
    ("il", "aws"),
    ("me", "aws"),
    ("mx", "aws"),
    ("sa", "aws"),
    ("us", "aws"),
    ("us-gov", "aws-us-gov"),
    ("us-iso", "aws-iso"),
    ("us-isob", "aws-iso-b"),
    ("us-isof", "aws-iso-f"),
];

const DIRECTIONS: &[&str] =
    &["central", "east", "north", "northeast", "northwest", "south", "southeast", "southwest", "west"];

/// In the order of their bytes.
const KNOWN: &[&str] = &[
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-isoe-west-1",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eusc-de-east-1",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-iso-east-1",
    "us-iso-west-1",
    "us-isob-east-1",
    "us-isob-west-1",
    "us-isof-east-1",
    "us-isof-south-1",
    "us-west-1",
    "us-west-2",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn meant(name: &str) -> Region {
        Region::Misspelt(Suggestion::DidYouMean(name.into()))
    }

    #[test]
    fn regions_are_known_plausible_or_misspelt() {
        for (name, expected) in [
            ("eu-central-1", Region::Known("aws")),
            ("cn-northwest-1", Region::Known("aws-cn")),
            ("us-gov-west-1", Region::Known("aws-us-gov")),
            ("us-isob-east-1", Region::Known("aws-iso-b")),
            ("eusc-de-east-1", Region::Known("aws-eusc")),
            ("us-east-1-fips", Region::Known("aws")),
            ("fips-us-gov-west-1", Region::Known("aws-us-gov")),
            ("us-fips-east-1", Region::Known("aws")),
            ("eu-west-9", Region::Plausible("aws")),
            ("cn-south-1", Region::Plausible("aws-cn")),
            ("us-esat-1", meant("us-east-1")),
            ("eu-centrall-1", meant("eu-central-1")),
            ("EU-Central-1", meant("eu-central-1")),
            ("eu-west1", meant("eu-west-1")),
            ("us_east_1", meant("us-east-1")),
            (" us-east-1", meant("us-east-1")),
            ("us-east-1a", Region::Misspelt(Suggestion::ZoneOf("us-east-1".into()))),
            ("us-west-2-lax-1a", Region::Misspelt(Suggestion::ZoneOf("us-west-2".into()))),
            ("us-east-1-wl1-bos-wlz-1", Region::Misspelt(Suggestion::ZoneOf("us-east-1".into()))),
            ("us-east-1-fipss", meant("us-east-1-fips")),
            ("us-esat-1-fip", meant("us-east-1-fips")),
            ("us-east-1-production", Region::Misspelt(Suggestion::Nothing)),
            ("frankfurt", Region::Misspelt(Suggestion::Nothing)),
            ("eu-west-0", meant("eu-west-1")),
            ("noop.", Region::Misspelt(Suggestion::Nothing)),
        ] {
            assert_eq!(parse(name), expected, "{name}");
        }
    }

    #[test]
    fn every_listed_region_is_made_of_known_parts() {
        assert!(KNOWN.is_sorted());
        for region in KNOWN {
            assert!(is_listed(region) && is_made_of_known_parts(region), "{region}");
        }
    }
}
