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
        let env = process.flat_map(|process| process.env.values());
        let bare = remote.clone().filter_map(without_scheme);
        // The whole ones first, so that nothing of them is left.
        let values = remote.chain(env).cloned().chain(bare);
        Self {
            secrets: values
                .filter(|value| value.expose_secret().len() >= LEAST_LENGTH)
                .collect(),
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

/// The credential of a header's value such as `Bearer x`: a backend may repeat it without the scheme.
fn without_scheme(value: &SecretString) -> Option<SecretString> {
    let (_, credential) = value.expose_secret().split_once(' ')?;
    Some(credential.trim().to_owned().into())
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
    fn a_credential_is_taken_out_without_its_scheme_too() {
        let bare = without_scheme(&"Bearer sk-123456".to_owned().into()).unwrap();
        assert_eq!(bare.expose_secret(), "sk-123456");
        assert!(without_scheme(&"sk-123456".to_owned().into()).is_none());
    }
}
