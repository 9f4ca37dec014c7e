//! What the gateway calls a session that outlives it. It lets nobody in.

use std::fmt;
use std::str::FromStr;

/// When a session was opened, by which process, and a random number. Keys are ordered by age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    /// Milliseconds since 1970, as the journal counts them.
    pub(crate) born: u64,
    /// The epoch of the process.
    pub(crate) epoch: u32,
    pub(crate) random: u32,
}

/// `<born>-<epoch>-<random>`, in hexadecimal.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{:x}-{:x}", self.born, self.epoch, self.random)
    }
}

/// A text that is no key.
#[derive(Debug, thiserror::Error)]
#[error("this is no key of a session")]
pub(crate) struct NoKey;

impl FromStr for Key {
    type Err = NoKey;

    fn from_str(text: &str) -> Result<Self, NoKey> {
        let (born, rest) = text.split_once('-').ok_or(NoKey)?;
        let (epoch, random) = rest.split_once('-').ok_or(NoKey)?;
        let number = |digits| u32::from_str_radix(digits, 16).map_err(|_| NoKey);
        Ok(Self {
            born: u64::from_str_radix(born, 16).map_err(|_| NoKey)?,
            epoch: number(epoch)?,
            random: number(random)?,
        })
    }
}

impl serde::Serialize for Key {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Key {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_and_read() {
        let key = Key {
            born: 0x19a_aaaa,
            epoch: 16,
            random: u32::MAX,
        };
        assert_eq!(key.to_string(), "19aaaaa-10-ffffffff");
        assert_eq!(key.to_string().parse::<Key>().unwrap(), key);
        for odd in ["", "-", "1", "1-", "1-2", "1-2-", "g-1-1", "1-2-3-4", "1-100000000-1"] {
            assert!(odd.parse::<Key>().is_err(), "{odd}");
        }
    }
}
