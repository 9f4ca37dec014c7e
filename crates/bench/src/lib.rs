//! The parts of the benchmark that others use: its backends, which cost as little as a server can.

pub mod backend;
