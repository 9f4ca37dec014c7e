//! Nothing is lost on the way: every byte of a payload arrives as it was written.

mod asks;
mod backend;
mod calls;
mod catalogue;
mod rounds;
