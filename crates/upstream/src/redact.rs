//! Taking configured secrets out of what a backend says, before anybody sees it.

use std::borrow::Cow;

use argus_config::{Auth, Backend};
use secrecy::{ExposeSecret, SecretString};

/// Shorter values are too common to be secrets, and to be missed in a text.
const LEAST_LENGTH: usize = 6;
/// What stands in a secret's place.
const REDACTED: &str = "***REDACTED***";

/// Knows the values of `env`, `headers` and `auth` of one backend.
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
        let values = remote.chain(process.flat_map(|process| process.env.values()));
        let secrets = values.filter(|value| value.expose_secret().len() >= LEAST_LENGTH);
        Self {
            secrets: secrets.cloned().collect(),
        }
    }

    /// The text without the secrets.
    pub(crate) fn clean<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut clean = Cow::Borrowed(text);
        for secret in &self.secrets {
            if clean.contains(secret.expose_secret()) {
                clean = Cow::Owned(clean.replace(secret.expose_secret(), REDACTED));
            }
        }
        clean
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
}
