//! Where the eras of client and backend differ.

pub(crate) mod introduced;
mod question;
pub(crate) mod rounds;
