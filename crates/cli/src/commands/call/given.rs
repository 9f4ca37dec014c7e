//! Arguments as they are given on the command line.

use std::io::Read;

use anyhow::{Context, bail};
use serde_json::Value;
use serde_json::value::RawValue;

/// `NAME=VALUE`, each name once.
pub(crate) fn pairs(given: &[String]) -> anyhow::Result<Vec<(&str, &str)>> {
    let mut pairs: Vec<(&str, &str)> = Vec::with_capacity(given.len());
    for pair in given {
        let Some((name, value)) = pair.split_once('=').filter(|(name, _)| !name.is_empty()) else {
            bail!("-a {pair}: write it like NAME=VALUE");
        };
        if pairs.iter().any(|(other, _)| *other == name) {
            bail!("-a {name} is given twice; a list is JSON: -a '{name}=[1, 2]'");
        }
        pairs.push((name, value));
    }
    Ok(pairs)
}

/// A JSON object: the text itself, or where it is. Its own spelling stays.
pub(crate) fn object(given: &str) -> anyhow::Result<Box<RawValue>> {
    let text = match given.strip_prefix('@') {
        _ if given == "-" => {
            let mut text = String::new();
            let read = std::io::stdin().read_to_string(&mut text);
            read.context("-j: cannot read standard input")?;
            text
        }
        Some(file) => std::fs::read_to_string(file).with_context(|| format!("-j: cannot read {file}"))?,
        None => given.to_owned(),
    };
    let value: Value = serde_json::from_str(&text).context("-j is no JSON")?;
    if !value.is_object() {
        bail!("-j must be a JSON object, such as '{{\"name\": \"value\"}}'");
    }
    RawValue::from_string(text.trim().to_owned()).context("-j is no JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_have_a_name_and_a_value() {
        let given = ["a=1".to_owned(), "b=x=y".to_owned(), "c=".to_owned()];
        assert_eq!(pairs(&given).unwrap(), [("a", "1"), ("b", "x=y"), ("c", "")]);
        for wrong in [&["a"][..], &["=1"], &["a=1", "a=2"]] {
            let wrong: Vec<String> = wrong.iter().map(|&text| text.to_owned()).collect();
            assert!(pairs(&wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn objects_keep_their_spelling() {
        assert_eq!(
            object(r#" {"n": 1.0, "e":1e2} "#).unwrap().get(),
            r#"{"n": 1.0, "e":1e2}"#
        );
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.json");
        std::fs::write(&file, "{}\n").unwrap();
        assert_eq!(object(&format!("@{}", file.display())).unwrap().get(), "{}");
        for wrong in ["", "{", "[]", "1", "@/nonexistent"] {
            assert!(object(wrong).is_err(), "{wrong}");
        }
    }
}
