//! What the gateway tells a guard to start: one message, sent before anything else on the control socket.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use crate::spec::Spec;

/// No kernel takes more than a few MiB of arguments and environment; more than this is not an order.
const MAX_ORDER: usize = 16 << 20;

/// The program to start, with its whole environment.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub(crate) struct Order {
    pub(crate) program: OsString,
    pub(crate) args: Vec<OsString>,
    pub(crate) env: Vec<(OsString, OsString)>,
    pub(crate) cwd: Option<PathBuf>,
}

impl Order {
    /// The order for a spec: its environment is the safe base of `parent_env` with the configured variables on top.
    pub(crate) fn new(spec: &Spec, parent_env: impl Iterator<Item = (OsString, OsString)>) -> Self {
        let mut env = crate::env::safe_base(parent_env);
        // A later value wins over an earlier one, here and when the server is started.
        env.extend(spec.env.iter().cloned());
        Self {
            program: spec.program.clone(),
            args: spec.args.clone(),
            env,
            cwd: spec.cwd.clone(),
        }
    }

    /// The `PATH` on which the program is looked up; empty when there is none.
    pub(crate) fn path(&self) -> &OsStr {
        self.env
            .iter()
            .rfind(|(name, _)| name == "PATH")
            .map_or(OsStr::new(""), |(_, value)| value)
    }

    /// The message: its length, then strings that each carry their own length.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut strings = vec![self.program.as_os_str()];
        strings.push(self.cwd.as_ref().map_or(OsStr::new(""), |cwd| cwd.as_os_str()));
        for (name, value) in &self.env {
            strings.extend([name.as_os_str(), value.as_os_str()]);
        }
        strings.extend(self.args.iter().map(OsString::as_os_str));

        let mut body = (self.env.len() as u64).to_le_bytes().to_vec();
        for string in strings {
            body.extend((string.len() as u64).to_le_bytes());
            body.extend(string.as_bytes());
        }
        let mut message = (body.len() as u64).to_le_bytes().to_vec();
        message.extend(body);
        message
    }

    /// Reads one message.
    pub(crate) fn read_from(source: &mut impl Read) -> io::Result<Self> {
        let mut length = [0; 8];
        source.read_exact(&mut length)?;
        let length = usize::try_from(u64::from_le_bytes(length)).unwrap_or(usize::MAX);
        if length > MAX_ORDER {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the order is too long"));
        }
        let mut body = vec![0; length];
        source.read_exact(&mut body)?;
        Self::decode(&body).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the order is malformed"))
    }

    fn decode(mut body: &[u8]) -> Option<Self> {
        let pairs = take_number(&mut body)?;
        let program = take_string(&mut body)?;
        let cwd = Some(take_string(&mut body)?)
            .filter(|cwd| !cwd.is_empty())
            .map(PathBuf::from);
        let mut env = Vec::new();
        for _ in 0..pairs {
            env.push((take_string(&mut body)?, take_string(&mut body)?));
        }
        let mut args = Vec::new();
        while !body.is_empty() {
            args.push(take_string(&mut body)?);
        }
        Some(Self {
            program,
            args,
            env,
            cwd,
        })
    }
}

fn take_number(body: &mut &[u8]) -> Option<usize> {
    let (number, rest) = body.split_first_chunk()?;
    *body = rest;
    usize::try_from(u64::from_le_bytes(*number)).ok()
}

fn take_string(body: &mut &[u8]) -> Option<OsString> {
    let length = take_number(body)?;
    let (string, rest) = body.split_at_checked(length)?;
    *body = rest;
    Some(OsString::from_vec(string.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> Order {
        Order {
            program: OsString::from_vec(vec![b'p', 0xff]),
            args: vec!["".into(), "two words".into()],
            env: vec![("A".into(), "".into()), ("B".into(), "line\nline".into())],
            cwd: Some("/srv".into()),
        }
    }

    #[test]
    fn arrives_as_it_was_sent() {
        let message = order().encode();
        assert_eq!(Order::read_from(&mut message.as_slice()).unwrap(), order());
        let bare = Order {
            program: "p".into(),
            args: vec![],
            env: vec![],
            cwd: None,
        };
        assert_eq!(Order::read_from(&mut bare.encode().as_slice()).unwrap(), bare);
    }

    #[test]
    fn damage_is_an_error() {
        let message = order().encode();
        for end in 0..message.len() {
            assert!(Order::read_from(&mut &message[..end]).is_err(), "cut at {end}");
        }
        let mut long = message.clone();
        long[8..16].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(Order::read_from(&mut long.as_slice()).is_err());
    }
}
