//! TLS in front of a server that speaks none, with a certificate that nobody signed but itself.

use std::sync::{Arc, Mutex};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

/// Ends TLS and passes on what is in it. It ends with this value.
#[derive(Debug)]
pub(crate) struct TlsFront {
    certificate: Arc<Mutex<Certificate>>,
    changes: watch::Sender<()>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Certificate {
    server: Arc<ServerConfig>,
    pem: String,
}

impl TlsFront {
    /// TLS in front of the server at a URL of this machine, and the URL that leads through it.
    pub(crate) async fn to_url(url: &str) -> (Self, String) {
        let (_, place) = url.split_once("http://").expect("a URL of http");
        let place = place.split('/').next().unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap();
        let through = url.replace(&format!("http://{place}"), &format!("https://{own}"));
        let certificate = Arc::new(Mutex::new(Certificate::new("the first")));
        let changes = watch::Sender::new(());
        let accepting = tokio::spawn(accept(listener, place, Arc::clone(&certificate), changes.subscribe()));
        let front = Self {
            certificate,
            changes,
            accepting,
        };
        (front, through)
    }

    /// The certificate, as a file of trusted ones holds it.
    pub(crate) fn certificate(&self) -> String {
        self.certificate.lock().unwrap().pem.clone()
    }

    /// Shows another certificate from now on, and closes all connections.
    pub(crate) fn change_certificate(&self) {
        *self.certificate.lock().unwrap() = Certificate::new("another");
        self.changes.send_replace(());
    }
}

impl Drop for TlsFront {
    /// Its connections end when nobody is left to change the certificate.
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Certificate {
    fn new(name: &str) -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut wanted = rcgen::CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        wanted.distinguished_name.push(rcgen::DnType::CommonName, name);
        let made = wanted.self_signed(&key).unwrap();
        let secret = PrivatePkcs8KeyDer::from(key.serialize_der());
        let server = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.der().clone()], secret.into())
            .unwrap();
        Self {
            server: Arc::new(server),
            pem: made.pem(),
        }
    }
}

async fn accept(
    listener: TcpListener,
    place: String,
    certificate: Arc<Mutex<Certificate>>,
    changes: watch::Receiver<()>,
) {
    while let Ok((near, _)) = listener.accept().await {
        let acceptor = TlsAcceptor::from(Arc::clone(&certificate.lock().unwrap().server));
        let (place, mut changes) = (place.clone(), changes.clone());
        changes.mark_unchanged();
        tokio::spawn(async move {
            // A client that does not like the certificate goes away.
            let Ok(mut near) = acceptor.accept(near).await else {
                return;
            };
            let Ok(mut far) = TcpStream::connect(place).await else {
                return;
            };
            tokio::select! {
                _ = copy_bidirectional(&mut near, &mut far) => {}
                _ = changes.changed() => {}
            }
        });
    }
}
