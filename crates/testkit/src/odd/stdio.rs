//! A server on stdin and stdout.

use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::sync::mpsc;

use super::engine::Engine;
use super::out::Out;
use crate::raw::Envelope;

/// Serves until stdin ends.
pub(crate) async fn serve(engine: &Arc<Engine>) -> io::Result<()> {
    let (way, said) = mpsc::unbounded_channel();
    engine.feed(way.clone());
    let writing = tokio::spawn(write(said));
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        engine.note("message", &line);
        if let Some(message) = Envelope::parse(&line) {
            let (engine, way) = (Arc::clone(engine), way.clone());
            tokio::spawn(async move { engine.take(message, way).await });
        }
    }
    writing.abort();
    Ok(())
}

async fn write(mut said: mpsc::UnboundedReceiver<Out>) -> io::Result<()> {
    let mut stdout = tokio::io::stdout();
    while let Some(out) = said.recv().await {
        match out {
            Out::Line(text) | Out::Answer(text) => {
                stdout.write_all(text.as_bytes()).await?;
                stdout.write_all(b"\n").await?;
            }
            Out::Lines(texts) => {
                let lines: Vec<String> = texts.iter().map(|text| format!("{text}\n")).collect();
                stdout.write_all(lines.concat().as_bytes()).await?;
            }
            Out::Bytes(bytes) => stdout.write_all(&bytes).await?,
            Out::Exit(code) => {
                stdout.flush().await?;
                std::process::exit(code);
            }
            Out::Close => {
                stdout.flush().await?;
                nix::unistd::close(std::io::stdout().as_raw_fd())?;
                return Ok(());
            }
            Out::Status(_) | Out::Type(_) => {}
        }
        stdout.flush().await?;
    }
    Ok(())
}
