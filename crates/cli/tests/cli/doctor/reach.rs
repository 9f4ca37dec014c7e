//! Remote backends with which something is wrong.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use rcgen::{CertificateParams, KeyPair};
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::{Found, command, examine};
use crate::place::Place;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// What a server is asked; its threads end with the test.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<String>>);

/// A server that answers every request so, behind TLS or not.
fn server(answer: String, tls: Option<Arc<ServerConfig>>) -> (SocketAddr, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Asked::default();
    let heard = asked.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            match &tls {
                None => speak(stream, &answer, &heard),
                Some(tls) => {
                    let connection = ServerConnection::new(Arc::clone(tls)).unwrap();
                    speak(StreamOwned::new(connection, stream), &answer, &heard);
                }
            }
        }
    });
    (address, asked)
}

fn speak(mut stream: impl Read + Write, answer: &str, heard: &Asked) {
    let mut request = [0; 4096];
    // Who does not like the certificate goes away.
    if let Ok(count) = stream.read(&mut request) {
        heard
            .0
            .lock()
            .unwrap()
            .push_str(&String::from_utf8_lossy(&request[..count]));
        drop(stream.write_all(answer.as_bytes()));
        drop(stream.flush());
    }
}

fn status(status: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n")
}

fn look_at(url: &str, more: &str) -> Found {
    look_with(url, more, None)
}

fn look_with(url: &str, more: &str, authority: Option<&str>) -> Found {
    let place = Place::new();
    place.write(
        "config.yaml",
        &format!("server: {{port: 0}}\nbackends: {{far: {{type: streamable-http, url: '{url}'{more}}}}}\n"),
    );
    let mut command = command(&place);
    if let Some(authority) = authority {
        place.write("authority.pem", authority);
        command.env("SSL_CERT_FILE", place.path("authority.pem"));
    }
    examine(&mut command)
}

#[test]
fn a_name_or_a_place_where_nobody_is() {
    let found = look_at("http://nowhere.invalid/mcp", "");
    found.mends("reach", "error", "far: the name in nowhere.invalid:80", "DNS");
    let closed = argus_testkit::unused_port();
    let found = look_at(&format!("http://127.0.0.1:{closed}/mcp?key=hidden99"), "");
    found.mends("reach", "error", "nobody listens at 127.0.0.1:", "backends.far.url");
    assert!(!found.text.contains("hidden99"), "{}", found.text);
}

#[test]
fn what_is_answered_decides() {
    for (answered, result, remedy) in [
        ("200 OK", "ok", None),
        ("405 Method Not Allowed", "ok", None),
        ("401 Unauthorized", "warning", Some("backends.far.headers")),
        ("404 Not Found", "warning", Some("the path")),
        ("301 Moved Permanently", "warning", Some("redirects")),
        ("502 Bad Gateway", "warning", Some("its log")),
    ] {
        let (address, asked) = server(status(answered), None);
        let found = look_at(
            &format!("http://{address}/mcp?key=hidden99"),
            ", headers: {X-Key: hidden88}, auth: {type: static, headers: {Authorization: Bearer hidden77}}",
        );
        let said = format!("answers with status {}", &answered[..3]);
        match remedy {
            None => drop(found.has("reach", result, &said)),
            Some(remedy) => found.mends("reach", result, &said, remedy),
        }
        assert!(!found.text.contains("hidden"), "{}", found.text);
        let asked = asked.0.lock().unwrap();
        assert!(asked.starts_with("GET /mcp?key=hidden99 HTTP/1.1\r\n"), "{asked}");
        assert!(
            asked.contains("hidden88") && asked.contains("Bearer hidden77"),
            "{asked}"
        );
    }
}

#[test]
fn who_takes_connections_and_says_nothing_costs_some_seconds_only() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let began = Instant::now();
    let found = look_at(&format!("http://{}/mcp", silent.local_addr().unwrap()), "");
    found.mends("reach", "error", "no HTTP answer", "scheme and port");
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

#[test]
fn the_clock_is_compared_with_those_of_backends() {
    let dated = |date: &str| format!("HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Length: 0\r\n\r\n");
    let (address, _) = server(dated("Tue, 15 Nov 1994 08:12:31 GMT"), None);
    let found = look_at(&format!("http://{address}/mcp"), "");
    found.mends("clock", "warning", "ahead of that of the backend far", "set the clock");
    let now = date_of_now();
    let (address, _) = server(dated(&now), None);
    look_at(&format!("http://{address}/mcp"), "").has("clock", "ok", "agrees with 1 remote backend");
}

fn date_of_now() -> String {
    let output = std::process::Command::new("date")
        .args(["-u", "+%a, %d %b %Y %H:%M:%S GMT"])
        .env("LC_ALL", "C")
        .output();
    String::from_utf8(output.unwrap().stdout).unwrap().trim().to_owned()
}

/// A certificate for 127.0.0.1 that holds from one time to another, as a server shows it and as a file has it.
fn certificate(from: SystemTime, to: SystemTime, name: &str) -> (Arc<ServerConfig>, String) {
    let key = KeyPair::generate().unwrap();
    let mut wanted = CertificateParams::new([name.to_owned()]).unwrap();
    wanted.not_before = from.into();
    wanted.not_after = to.into();
    let made = wanted.self_signed(&key).unwrap();
    let secret = PrivatePkcs8KeyDer::from(key.serialize_der());
    let server = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.der().clone()], secret.into())
        .unwrap();
    (Arc::new(server), made.pem())
}

#[test]
fn certificates_are_judged() {
    let now = SystemTime::now();
    for (from, to, name, result, said, remedy) in [
        (now - DAY, now + DAY * 90, "127.0.0.1", "ok", "status 200", None),
        (
            now - DAY,
            now + DAY * 3,
            "127.0.0.1",
            "warning",
            "ends within 14 days",
            Some("renew"),
        ),
        (now - DAY * 9, now - DAY, "127.0.0.1", "error", "xpired", Some("renew")),
        (
            now + DAY,
            now + DAY * 90,
            "127.0.0.1",
            "error",
            "not valid",
            Some("clock"),
        ),
        (
            now - DAY,
            now + DAY * 90,
            "127.0.0.2",
            "error",
            "not valid for name",
            Some("name"),
        ),
    ] {
        let (tls, authority) = certificate(from, to, name);
        let (address, _) = server(status("200 OK"), Some(tls));
        let found = look_with(&format!("https://{address}/mcp"), "", Some(&authority));
        match remedy {
            None => drop(found.has("reach", result, said)),
            Some(remedy) => found.mends("reach", result, said, remedy),
        }
    }
    let (tls, _) = certificate(now - DAY, now + DAY * 90, "127.0.0.1");
    let (address, _) = server(status("200 OK"), Some(tls));
    let (_, another) = certificate(now - DAY, now + DAY * 90, "127.0.0.1");
    let found = look_with(&format!("https://{address}/mcp"), "", Some(&another));
    found.mends("reach", "error", "no TLS with", "SSL_CERT_FILE");
    let (plain, _) = server(status("200 OK"), None);
    let found = look_with(&format!("https://{plain}/mcp"), "", Some(&another));
    found.mends("reach", "error", "no TLS with", "http:// meant");
    drop(TcpStream::connect(plain));
}
