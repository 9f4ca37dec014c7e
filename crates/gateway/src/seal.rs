//! Sealing what a client carries for the gateway: encrypted, authenticated, with an end.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};

const NONCE: usize = 24;
const KEY: usize = 32;
/// What a key made from a secret is for: the same secret elsewhere makes another key.
const DERIVED: &str = "argus-mcp seal key 1\n";
/// What the key of nonces is for.
const ALIKE: &str = "argus-mcp nonces of what is sealed alike 1\n";

/// Seals and opens tokens (XChaCha20-Poly1305, random nonces).
pub struct Seal {
    /// Seals, and opens.
    cipher: XChaCha20Poly1305,
    /// Open what was sealed before the key was changed.
    older: Vec<XChaCha20Poly1305>,
    /// Makes the nonces of what is always sealed alike.
    alike: [u8; KEY],
}

/// Why a token is not accepted.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SealError {
    /// Changed, made elsewhere, or bound to another caller or request.
    #[error("it was not made here for this request")]
    Forged,
    /// Too old.
    #[error("it has expired; begin again")]
    Expired,
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("the key file {path} cannot be used: {source}")]
    File {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file holds something else.
    #[error("the key file {0} does not hold a key of 32 bytes; remove it and a new one is made")]
    Malformed(String),
    /// The system has no randomness.
    #[error("the system gives no random numbers: {0}")]
    Random(String),
}

impl Seal {
    /// A key for this run only.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn ephemeral() -> Result<Self, KeyError> {
        Ok(Self::with_key(random_key()?))
    }

    /// The key in `folder`, made at first use and readable by its owner only.
    ///
    /// # Errors
    /// When the file cannot be used or holds something else.
    pub fn in_folder(folder: &Path) -> Result<Self, KeyError> {
        let path = folder.join("seal.key");
        let file = |source| KeyError::File {
            path: path.display().to_string(),
            source,
        };
        match std::fs::read(&path) {
            Ok(bytes) => {
                let key = bytes
                    .try_into()
                    .map_err(|_| KeyError::Malformed(path.display().to_string()))?;
                Ok(Self::with_key(key))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let key = random_key()?;
                write_private(&path, &key).map_err(file)?;
                Ok(Self::with_key(key))
            }
            Err(error) => Err(file(error)),
        }
    }

    /// Keys that are made from secrets: the first one seals, all of them open. `None` without a secret.
    #[must_use]
    pub fn of_secrets<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut keys = secrets.into_iter().map(|secret| {
            Self::with_key(
                Sha256::new()
                    .chain_update(DERIVED)
                    .chain_update(secret)
                    .finalize()
                    .into(),
            )
        });
        let mut seal = keys.next()?;
        seal.older = keys.map(|older| older.cipher).collect();
        Some(seal)
    }

    fn with_key(key: [u8; KEY]) -> Self {
        Self {
            cipher: XChaCha20Poly1305::new(&Key::from(key)),
            older: Vec::new(),
            alike: Sha256::new().chain_update(ALIKE).chain_update(key).finalize().into(),
        }
    }

    /// Seals `secret` until `expires` (seconds since 1970), bound to `context`: only who names the same context opens
    /// it.
    #[must_use]
    pub fn seal(&self, context: &[u8], expires: u64, secret: &[u8]) -> String {
        let mut nonce = [0; NONCE];
        // Without randomness a token is made that nobody can open, rather than one with a used nonce.
        if getrandom::fill(&mut nonce).is_err() {
            return String::new();
        }
        self.sealed(nonce, context, expires, secret)
    }

    /// Seals `secret` for ever, and always alike: what is equal to who opens it is the same token. (The nonce is a keyed
    /// digest of context and secret, as in RFC 5297: one nonce has one plain text.)
    #[must_use]
    pub(crate) fn seal_alike(&self, context: &[u8], secret: &[u8]) -> String {
        let inner = Sha256::new()
            .chain_update(self.alike)
            .chain_update(context.len().to_be_bytes())
            .chain_update(context)
            .chain_update(secret)
            .finalize();
        let digest: [u8; 32] = Sha256::new()
            .chain_update(self.alike)
            .chain_update(inner)
            .finalize()
            .into();
        let (nonce, _) = digest.split_first_chunk().unwrap_or((&[0; NONCE], &[]));
        self.sealed(*nonce, context, u64::MAX, secret)
    }

    fn sealed(&self, nonce: [u8; NONCE], context: &[u8], expires: u64, secret: &[u8]) -> String {
        let mut plain = expires.to_be_bytes().to_vec();
        plain.extend_from_slice(secret);
        let payload = Payload {
            msg: &plain,
            aad: context,
        };
        let Ok(sealed) = self.cipher.encrypt(&XNonce::from(nonce), payload) else {
            return String::new();
        };
        let mut token = nonce.to_vec();
        token.extend_from_slice(&sealed);
        URL_SAFE_NO_PAD.encode(token)
    }

    /// Opens what [`Self::seal`] made for the same context.
    ///
    /// # Errors
    /// When it was not, or `now` (seconds since 1970) is past its end.
    pub fn open(&self, context: &[u8], now: u64, token: &str) -> Result<Vec<u8>, SealError> {
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| SealError::Forged)?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE>().ok_or(SealError::Forged)?;
        let opened = |cipher: &XChaCha20Poly1305| {
            let payload = Payload {
                msg: sealed,
                aad: context,
            };
            cipher.decrypt(&XNonce::from(*nonce), payload).ok()
        };
        let mut ciphers = std::iter::once(&self.cipher).chain(&self.older);
        let plain = ciphers.find_map(opened).ok_or(SealError::Forged)?;
        let (expires, secret) = plain.split_first_chunk::<8>().ok_or(SealError::Forged)?;
        if u64::from_be_bytes(*expires) < now {
            Err(SealError::Expired)
        } else {
            Ok(secret.to_vec())
        }
    }
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal(key hidden)")
    }
}

fn random_key() -> Result<[u8; KEY], KeyError> {
    let mut key = [0; KEY];
    getrandom::fill(&mut key).map_err(|error| KeyError::Random(error.to_string()))?;
    Ok(key)
}

fn write_private(path: &Path, key: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(key)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_what_was_sealed_for_it() {
        let seal = Seal::ephemeral().unwrap();
        let token = seal.seal(b"alice", 100, b"state");
        assert_eq!(seal.open(b"alice", 100, &token).unwrap(), b"state");
        assert_eq!(seal.open(b"mallory", 100, &token), Err(SealError::Forged));
        assert_eq!(seal.open(b"alice", 101, &token), Err(SealError::Expired));
        assert_eq!(
            Seal::ephemeral().unwrap().open(b"alice", 1, &token),
            Err(SealError::Forged)
        );
        let mut changed = token.into_bytes();
        changed[40] ^= 1;
        assert_eq!(
            seal.open(b"alice", 1, std::str::from_utf8(&changed).unwrap()),
            Err(SealError::Forged)
        );
        assert_eq!(seal.open(b"alice", 1, "short"), Err(SealError::Forged));
    }

    #[test]
    fn what_is_sealed_alike_is_one_token_for_one_secret_and_context() {
        let seal = Seal::of_secrets(["key"]).unwrap();
        let token = seal.seal_alike(b"alice", b"task");
        assert_eq!(token, Seal::of_secrets(["key"]).unwrap().seal_alike(b"alice", b"task"));
        assert_eq!(seal.open(b"alice", u64::MAX, &token).unwrap(), b"task");
        assert_eq!(seal.open(b"mallory", 1, &token), Err(SealError::Forged));
        let nonce = |token: &str| token[..32].to_owned();
        let others = [
            seal.seal_alike(b"alice", b"tasks"),
            seal.seal_alike(b"alicet", b"ask"),
            Seal::of_secrets(["other"]).unwrap().seal_alike(b"alice", b"task"),
        ];
        assert!(others.iter().all(|other| nonce(other) != nonce(&token)));
        assert_ne!(nonce(&seal.seal(b"alice", 9, b"task")), nonce(&token));
    }

    #[test]
    fn a_new_key_seals_and_the_old_ones_still_open() {
        let of = |secrets: &[&'static str]| Seal::of_secrets(secrets.iter().copied()).unwrap();
        let (old, both, new) = (of(&["old"]), of(&["new", "old"]), of(&["new"]));
        let before = old.seal(b"", 9, b"x");
        assert_eq!(both.open(b"", 9, &before).unwrap(), b"x");
        assert_eq!(new.open(b"", 9, &before), Err(SealError::Forged));
        let after = both.seal(b"", 9, b"y");
        assert_eq!(new.open(b"", 9, &after).unwrap(), b"y");
        assert_eq!(old.open(b"", 9, &after), Err(SealError::Forged));
        assert!(Seal::of_secrets([]).is_none());
    }

    #[test]
    fn the_key_outlives_the_process_and_is_private() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let token = Seal::in_folder(folder.path()).unwrap().seal(b"", 9, b"x");
        assert_eq!(
            Seal::in_folder(folder.path()).unwrap().open(b"", 9, &token).unwrap(),
            b"x"
        );
        let file = folder.path().join("seal.key");
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&file, "short").unwrap();
        assert!(matches!(Seal::in_folder(folder.path()), Err(KeyError::Malformed(_))));
    }
}
