//! Sealing of what the client carries for us: encrypted and authenticated under a key of this process, and bound to a
//! context, so that a seal made for one request does not open for another.

use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};

/// Length of a nonce in front of the sealed bytes.
const NONCE: usize = 12;

/// A key, and the count of what was sealed with it.
pub(crate) struct Seal {
    cipher: ChaCha20Poly1305,
    count: AtomicU64,
}

impl Seal {
    /// Seals with this key, which nobody else may ever have sealed with: nonces are counted, not drawn.
    pub(crate) fn new(key: [u8; 32]) -> Self {
        Self {
            cipher: ChaCha20Poly1305::new(&Key::from(key)),
            count: AtomicU64::new(0),
        }
    }

    /// Seals bytes for a context; `None` only when they are too long for the cipher.
    pub(crate) fn close(&self, context: &[u8], content: &[u8]) -> Option<String> {
        let mut nonce = [0; NONCE];
        nonce[..8].copy_from_slice(&self.count.fetch_add(1, Ordering::Relaxed).to_le_bytes());
        let sealed = self
            .cipher
            .encrypt(
                &Nonce::from(nonce),
                Payload {
                    msg: content,
                    aad: context,
                },
            )
            .ok()?;
        Some(URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat()))
    }

    /// Opens what [`Self::close`] made for the same context; `None` for anything else.
    pub(crate) fn open(&self, context: &[u8], text: &str) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE>()?;
        self.cipher
            .decrypt(
                &Nonce::from(*nonce),
                Payload {
                    msg: sealed,
                    aad: context,
                },
            )
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_opens_only_whole_and_in_its_context() {
        let seal = Seal::new([7; 32]);
        let text = seal.close(b"here", b"content").unwrap();
        assert_eq!(seal.open(b"here", &text).unwrap(), b"content");
        assert_eq!(seal.open(b"there", &text), None);
        assert_eq!(seal.open(b"here", &text[..text.len() - 2]), None);
        assert_eq!(seal.open(b"here", "not base64!"), None);
        assert_eq!(seal.open(b"here", ""), None);
        assert_eq!(Seal::new([8; 32]).open(b"here", &text), None);
        assert_ne!(seal.close(b"here", b"content").unwrap(), text);
    }
}
