//! A backend that is a process: one message is one line on stdin and stdout.

mod calls;
mod connection;
mod demux;
mod queue;
mod tasks;

pub(crate) use connection::Connection;
pub(crate) use demux::Server;
