//! Files about backends that are no longer configured.

use std::collections::HashSet;
use std::path::Path;

/// Removes from a folder what is kept under other digests than these, and drafts that were left behind. Other files
/// are not ours.
pub(crate) fn remove(folder: &Path, digests: &HashSet<String>) {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for file in files {
        if file.file_name().to_str().is_some_and(|name| is_left(name, digests)) {
            // One that cannot be removed is not read either.
            let _ = std::fs::remove_file(file.path());
        }
    }
}

fn is_left(name: &str, digests: &HashSet<String>) -> bool {
    let Some((digest, rest)) = name.split_once('.') else {
        return false;
    };
    // SHA-256, as `argus_config` writes it.
    let ours = digest.len() == 64 && digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    ours && match rest {
        "json" => !digests.contains(digest),
        _ => rest.ends_with(".tmp"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_files_of_others_are_left() {
        let (kept, other) = ("0a".repeat(32), "0b".repeat(32));
        let digests = HashSet::from([kept.clone()]);
        for (name, left) in [
            (format!("{kept}.json"), false),
            (format!("{other}.json"), true),
            (format!("{kept}.17.tmp"), true),
            (format!("{other}.17.tmp"), true),
            (format!("{other}.json.bak"), false),
            (other.to_uppercase() + ".json", false),
            (other, false),
            ("notes.json".to_owned(), false),
            (".json".to_owned(), false),
        ] {
            assert_eq!(is_left(&name, &digests), left, "{name}");
        }
    }
}
