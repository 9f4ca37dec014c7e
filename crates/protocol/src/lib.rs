//! MCP wire shapes: envelope, eras, methods, headers, error codes, line and SSE codecs.
//!
//! No I/O and no async: everything here is a pure function over text. Payloads stay text ([`Raw`]): what the gateway
//! does not know passes through byte by byte.

pub mod capability;
pub mod code;
mod decimal;
pub mod depth;
pub mod error;
pub mod header;
pub mod id;
pub mod level;
pub mod line;
mod media;
pub mod message;
pub mod meta;
pub mod method;
pub mod object;
pub mod param_headers;
pub mod raw;
mod shown;
mod sought;
pub mod sse;
pub mod token;
mod tool_error;
pub mod version;
pub mod write;

pub use error::RpcError;
pub use id::Id;
pub use level::Level;
pub use media::Media;
pub use message::{Answer, Frame, FrameError, MAX_ID, Message};
pub use object::Object;
pub use param_headers::ParamHeaders;
pub use raw::Raw;
pub use shown::shown;
pub use sought::Sought;
pub use tool_error::tool_failed;
pub use version::Era;

/// Text that is shared, not copied.
pub use bytestring::ByteString;
