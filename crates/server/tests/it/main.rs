//! The HTTP faces, over real connections to a real gateway. The modules mirror the URLs.

mod catalogue;
mod manage;
mod mcp;
mod support;
