//! "Did you mean": the known name that an unknown one is probably a slip for.

/// The known name within two edits of `name`, or equal but for letter case. Names of four letters or less
/// must be within one edit: two would make anything of them.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > 64 {
        return None;
    }
    let folded = name.to_ascii_lowercase();
    known
        .into_iter()
        .filter(|candidate| name.len().abs_diff(candidate.len()) <= 2)
        .map(|candidate| (strsim::osa_distance(&folded, &candidate.to_ascii_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= allowance(name.len().min(candidate.len())))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn allowance(length: usize) -> usize {
    if length <= 4 { 1 } else { 2 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_other_names_are_not() {
        let known = ["key", "property", "secretStoreRef", "remoteRef"];
        assert_eq!(nearest("kye", known), Some("key"));
        assert_eq!(nearest("foo", known), None);
        assert_eq!(nearest("propety", known), Some("property"));
        assert_eq!(nearest("SecretStoreRef", known), Some("secretStoreRef"));
        assert_eq!(nearest("remote_ref", known), Some("remoteRef"));
        assert_eq!(nearest("storeRef", known), None);
    }
}
