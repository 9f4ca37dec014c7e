//! The nearest known word for one that is not known.

/// Nobody means a word of more bytes than this.
const LONGEST: usize = 200;

/// The candidate that is likely meant by `word`, if one is close enough.
pub(crate) fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    if word.len() > LONGEST {
        return None;
    }
    let lower = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, candidate)| *distance <= tolerance(word.len(), candidate.len()))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many edits still count as a slip of the finger, for words of these lengths; never a whole word.
fn tolerance(word: usize, candidate: usize) -> usize {
    (word.max(candidate) / 3)
        .max(1)
        .min(word.min(candidate).saturating_sub(1))
}

/// "did you mean `x`?" or, when nothing is near, the whole list.
pub(crate) fn hint<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str> + Clone) -> String {
    match nearest(word, candidates.clone()) {
        Some(candidate) => format!("did you mean `{candidate}`?"),
        None => format!("known here: {}", list(candidates)),
    }
}

/// The candidates as "`a`, `b`, `c`".
pub(crate) fn list<'c>(candidates: impl IntoIterator<Item = &'c str>) -> String {
    candidates
        .into_iter()
        .map(|candidate| format!("`{candidate}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_slips_and_ignores_strangers() {
        let known = ["host", "port", "transport", "management"];
        assert_eq!(nearest("prot", known), Some("port"));
        assert_eq!(nearest("Host", known), Some("host"));
        assert_eq!(nearest("managment", known), Some("management"));
        assert_eq!(nearest("banana", known), None);
    }
}
