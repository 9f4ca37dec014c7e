//! A backend that is a process: one message is one line on stdin and stdout.

mod connection;
mod tasks;

pub(crate) use connection::Connection;
