//! The backend behind a URL: HTTP/1.1 with keep-alive on one thread.

use std::io;
use std::sync::Arc;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::Answers;

/// Header fields that a request may have.
const MAX_FIELDS: usize = 64;
/// A longer answer is written from where it lies instead of being copied.
const COPIED: usize = 16 << 10;
/// Names the session to a legacy client; it is never asked for.
const SESSION: &str = "bench";

/// Serves for ever.
///
/// # Errors
/// When no connection can be accepted.
pub async fn serve(listener: TcpListener, answers: Arc<Answers>) -> io::Result<()> {
    loop {
        let (socket, _) = listener.accept().await?;
        let answers = Arc::clone(&answers);
        tokio::spawn(async move {
            // A client that breaks off is no concern of a backend that is only there to be measured.
            drop(talk(socket, &answers).await);
        });
    }
}

async fn talk(mut socket: TcpStream, answers: &Answers) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let mut input = BytesMut::with_capacity(16 << 10);
    let mut output = Vec::with_capacity(COPIED);
    loop {
        while let Some(request) = take(&mut input)? {
            respond(&mut socket, &mut output, answers, &request).await?;
        }
        socket.write_all(&output).await?;
        output.clear();
        if socket.read_buf(&mut input).await? == 0 {
            return Ok(());
        }
    }
}

/// A request: whether it is a POST, and its body.
struct Request {
    post: bool,
    body: BytesMut,
}

/// Takes the first request off the input, once all of it is there.
fn take(input: &mut BytesMut) -> io::Result<Option<Request>> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut head = httparse::Request::new(&mut fields);
    let parsed = head
        .parse(input)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    let httparse::Status::Complete(head_length) = parsed else {
        return Ok(None);
    };
    let post = head.method == Some("POST");
    let body_length = content_length(head.headers);
    if input.len() < head_length + body_length {
        return Ok(None);
    }
    input.advance(head_length);
    let body = input.split_to(body_length);
    Ok(Some(Request { post, body }))
}

fn content_length(fields: &[httparse::Header<'_>]) -> usize {
    let field = fields
        .iter()
        .find(|field| field.name.eq_ignore_ascii_case("content-length"));
    field
        .and_then(|field| std::str::from_utf8(field.value).ok()?.parse().ok())
        .unwrap_or(0)
}

async fn respond(socket: &mut TcpStream, output: &mut Vec<u8>, answers: &Answers, request: &Request) -> io::Result<()> {
    const START: &[u8] = br#"{"jsonrpc":"2.0","id":"#;
    if !request.post {
        // No standing stream, and no session that would have to be ended.
        output.extend_from_slice(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n");
        return Ok(());
    }
    let Some((id, rest)) = answers.answer(&request.body) else {
        output.extend_from_slice(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
        return Ok(());
    };
    let length = START.len() + id.len() + rest.len();
    output.extend_from_slice(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nMcp-Session-Id: ");
    output.extend_from_slice(SESSION.as_bytes());
    output.extend_from_slice(format!("\r\nContent-Length: {length}\r\n\r\n").as_bytes());
    output.extend_from_slice(START);
    output.extend_from_slice(id);
    if rest.len() <= COPIED {
        output.extend_from_slice(rest);
        return Ok(());
    }
    socket
        .write_all_buf(&mut Buf::chain(output.as_slice(), rest.clone()))
        .await?;
    output.clear();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_taken_when_all_of_it_is_there() {
        let mut input = BytesMut::from("POST /mcp HTTP/1.1\r\ncontent-LENGTH: 2\r\n\r\n{");
        assert!(take(&mut input).unwrap().is_none());
        input.extend_from_slice(b"}GET / HTTP/1.1\r\n\r\n");
        let first = take(&mut input).unwrap().unwrap();
        assert!(first.post && &*first.body == b"{}");
        let second = take(&mut input).unwrap().unwrap();
        assert!(!second.post && second.body.is_empty() && input.is_empty());
        assert!(take(&mut BytesMut::from("no HTTP\r\n\r\n")).is_err());
    }
}
