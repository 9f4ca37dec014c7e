//! Taking configured secrets out of what a backend says, before anybody sees it.

use std::borrow::Cow;

use argus_config::{Auth, Backend};
use secrecy::{ExposeSecret, SecretString};

use crate::secret_forms::{credentials, forms};

/// Shorter values are too common to be secrets, and to be missed in a text.
const LEAST_LENGTH: usize = 6;
/// What stands in a secret's place.
pub(crate) const REDACTED: &str = "***REDACTED***";

/// Knows the values of `env`, `headers` and `auth` of one backend, and those that variables gave to `args`.
#[cfg_attr(test, derive(Default))]
pub(crate) struct Redactor {
    secrets: Vec<SecretString>,
}

impl Redactor {
    pub(crate) fn new(backend: &Backend) -> Self {
        let remote = backend.transport.remote().into_iter().flat_map(|remote| {
            let credentials = remote.auth.iter().flat_map(|Auth::Static { headers }| headers.values());
            remote.headers.values().chain(credentials)
        });
        let process = backend.transport.process().into_iter();
        let env = process.clone().flat_map(|process| process.env.values());
        let args = process.flat_map(|process| process.values_in_args().map(SecretString::from));
        let bare = remote.clone().flat_map(credentials);
        Self::of(remote.chain(env).cloned().chain(bare).chain(args))
    }

    pub(crate) fn of(values: impl Iterator<Item = SecretString>) -> Self {
        // What has several lines is written line by line.
        let with_lines = values.flat_map(|value| {
            let lines: Vec<SecretString> = match value.expose_secret().contains('\n') {
                true => value.expose_secret().lines().map(|line| line.trim().into()).collect(),
                false => Vec::new(),
            };
            std::iter::once(value).chain(lines)
        });
        let long = with_lines.filter(|value| value.expose_secret().len() >= LEAST_LENGTH);
        let mut secrets: Vec<SecretString> = long.flat_map(forms).collect();
        // The longest first, so that nothing is left of one that begins with another.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.expose_secret().len()));
        Self { secrets }
    }

    /// The text without the secrets. It may have been cut, and then ends with `…`.
    pub(crate) fn clean<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut clean = Cow::Borrowed(text);
        if let Some(begun) = text.strip_suffix('…').and_then(|text| self.begun_at_the_end(text)) {
            clean = Cow::Owned(format!("{}{REDACTED}…", &text[..begun]));
        }
        for secret in &self.secrets {
            if clean.contains(secret.expose_secret()) {
                clean = Cow::Owned(clean.replace(secret.expose_secret(), REDACTED));
            }
        }
        clean
    }

    /// Where the beginning of a secret stands at the end of a text.
    fn begun_at_the_end(&self, text: &str) -> Option<usize> {
        let begun = |secret: &SecretString| {
            let secret = secret.expose_secret();
            let mut lengths = (LEAST_LENGTH..secret.len())
                .rev()
                .filter(|at| secret.is_char_boundary(*at));
            lengths.find(|length| text.ends_with(&secret[..*length]))
        };
        let longest = self.secrets.iter().filter_map(begun).max()?;
        Some(text.len() - longest)
    }
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Redactor({} secrets)", self.secrets.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_taken_out() {
        let redactor = Redactor {
            secrets: vec!["sk-123456".to_owned().into(), "other-secret".to_owned().into()],
        };
        assert_eq!(
            redactor.clean("key sk-123456 is invalid"),
            "key ***REDACTED*** is invalid"
        );
        assert_eq!(redactor.clean("nothing"), "nothing");
        assert_eq!(format!("{redactor:?}"), "Redactor(2 secrets)");
    }

    #[test]
    fn nothing_is_left_of_secrets_within_others_of_several_lines_and_cut_ones() {
        let values = ["abcdef", "abcdef-123456", "-----BEGIN KEY-----\n  c2VjcmV0\nx\n"];
        let redactor = Redactor::of(values.into_iter().map(SecretString::from));
        assert_eq!(redactor.clean("a abcdef-123456 b"), "a ***REDACTED*** b");
        assert_eq!(redactor.clean("  c2VjcmV0"), "  ***REDACTED***");
        assert_eq!(redactor.clean("a abcdef-12…"), "a ***REDACTED***…");
        assert_eq!(redactor.clean("a abc…"), "a abc…");
        assert_eq!(redactor.clean("x"), "x");
    }

    #[test]
    fn a_secret_is_taken_out_of_json_and_addresses_too() {
        let redactor = Redactor::of(std::iter::once(r#"pa"ss\wo/rd é"#.into()));
        for said in [
            r#"{"key":"pa\"ss\\wo/rd é"}"#,
            "?key=pa%22ss%5Cwo%2Frd%20%C3%A9&x=1",
            "?key=pa%22ss%5cwo%2frd%20%c3%a9&x=1",
            "?key=pa%22ss%5Cwo%2Frd+%C3%A9&x=1",
            "/pa%22ss%5Cwo/rd%20%C3%A9/x",
        ] {
            let clean = redactor.clean(said);
            assert!(clean.contains(REDACTED) && !clean.contains("ss"), "{clean}");
        }
    }
}
