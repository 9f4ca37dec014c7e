//! Names of gateways.

use std::fmt::{self, Display};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The port of a gateway that is called `default`.
const USUAL_PORT: u16 = 9000;
/// The longest name.
const LONGEST: usize = 32;

/// A name of a gateway, which is also the name of a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Name(String);

impl Name {
    /// What a gateway at this port is called that was given no name: the first of these that is free.
    pub(crate) fn usual(port: u16) -> impl Iterator<Item = Self> {
        let second = (port == USUAL_PORT).then(|| Self(format!("argus-{port}")));
        let more = (2..100).map(move |number| Self(format!("argus-{port}-{number}")));
        [Self::first(port)].into_iter().chain(second).chain(more)
    }

    /// The first of these.
    pub(crate) fn first(port: u16) -> Self {
        Self(match port {
            USUAL_PORT => "default".to_owned(),
            port => format!("argus-{port}"),
        })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is that of the gateway at the usual port.
    pub(crate) fn is_default(&self) -> bool {
        self.0 == "default"
    }
}

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fits = |(place, letter): (usize, char)| match letter {
            'a'..='z' | '0'..='9' => true,
            '-' => place > 0,
            _ => false,
        };
        if text.is_empty() || text.len() > LONGEST || !text.char_indices().all(fits) {
            return Err(format!(
                "a name has lowercase letters, digits and `-`, begins with a letter or digit, and has at most {LONGEST} \
                 characters"
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for Name {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_names_of_files() {
        let longest = "a".repeat(32);
        for right in ["default", "argus-9001", "0", "a-", &longest] {
            assert_eq!(right.parse::<Name>().unwrap().as_str(), right);
        }
        let too_long = "a".repeat(33);
        for wrong in ["", "-a", "A", "a.b", "../a", "a/b", "ä", "a b", &too_long] {
            assert!(wrong.parse::<Name>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_port_gives_the_usual_name() {
        let usual = |port| Name::usual(port).take(3).map(|name| name.0).collect::<Vec<_>>();
        assert_eq!(usual(9000), ["default", "argus-9000", "argus-9000-2"]);
        assert_eq!(usual(65535), ["argus-65535", "argus-65535-2", "argus-65535-3"]);
        assert!(Name::usual(65535).all(|name| name.0.parse::<Name>().is_ok()));
    }
}
