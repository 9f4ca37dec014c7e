//! Nothing is lost on the way: every byte of a payload arrives as it was written.

mod across;
mod asks;
mod backend;
mod beyond;
mod calls;
mod catalogue;
mod rounds;
