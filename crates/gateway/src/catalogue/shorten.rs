//! Names that are too long for clients.

use argus_protocol::ByteString;
use sha2::{Digest, Sha256};

/// The longest name that is exposed, in characters: common clients refuse to call longer ones.
const LONGEST: usize = 64;
/// What is kept of a longer name, in characters; `_` and eight digits follow.
const KEPT: usize = LONGEST - 9;

/// A name of at most 64 characters. A longer one is cut, and the beginning of its SHA-256 follows, so that the same name
/// is always shortened alike and others are told apart.
pub(super) fn shorten(name: ByteString) -> ByteString {
    if name.len() <= LONGEST || name.chars().nth(LONGEST).is_none() {
        return name;
    }
    let end = name.char_indices().nth(KEPT).map_or(name.len(), |(end, _)| end);
    let digest = Sha256::digest(name.as_bytes());
    let mark: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("{}_{mark}", &name[..end]).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shortened(name: &str) -> String {
        shorten(name.into()).to_string()
    }

    #[test]
    fn names_of_up_to_64_characters_stay() {
        for name in ["x".repeat(64), "é".repeat(64)] {
            assert_eq!(shortened(&name), name);
        }
    }

    #[test]
    fn longer_ones_end_with_their_hash() {
        let long = "x".repeat(65);
        // printf 'x%.0s' {1..65} | sha256sum
        assert_eq!(shortened(&long), format!("{}_9537c5fd", "x".repeat(55)));
        let wide = shortened(&"é".repeat(65));
        assert_eq!(wide.chars().count(), 64);
        assert!(wide.starts_with(&format!("{}_", "é".repeat(55))), "{wide}");
    }

    #[test]
    fn names_that_differ_at_the_end_only_are_told_apart() {
        let long = |end: &str| shortened(&format!("{}{end}", "x".repeat(70)));
        assert_ne!(long("a"), long("b"));
        assert_eq!(long("a"), long("a"));
    }
}
