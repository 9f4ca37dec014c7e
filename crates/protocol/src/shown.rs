//! Names of peers in texts for people.

/// Longer names are cut: a peer decides about their length.
const MAX_SHOWN: usize = 128;

/// At most the first 128 characters of a peer's name, for an error message or a line of the log.
#[must_use]
pub fn shown(name: &str) -> &str {
    match name.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => &name[..end],
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut_between_characters() {
        assert_eq!(shown("get_time"), "get_time");
        let exact = "é".repeat(MAX_SHOWN);
        assert_eq!(shown(&exact), exact);
        assert_eq!(shown(&"é".repeat(1000)), exact);
    }
}
