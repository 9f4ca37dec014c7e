//! TLS with a remote backend: whether its certificate is trusted, and for how long.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::finding::Finding;
use super::reach::Trouble;

/// How long a handshake may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// A certificate that ends within this time is worth a word.
const SOON: Duration = Duration::from_secs(14 * 24 * 3600);

const REMEDY: &str =
    "install them (on Debian: apt-get install ca-certificates), or name a file of them in SSL_CERT_FILE";

/// Without authorities no gateway starts, whatever its backends are.
pub(super) fn check() -> Option<Finding> {
    let Tls(known) = Tls::of_the_system();
    let error = known.err()?;
    Some(Finding::error(
        "certificates",
        format!("no certificate authority is known here: {error}"),
        REMEDY,
    ))
}

/// The authorities that this system trusts, or why there are none.
pub(super) struct Tls(Result<Arc<WebPkiServerVerifier>, String>);

impl Tls {
    pub(super) fn of_the_system() -> Self {
        let loaded = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(loaded.certs);
        let verifier = WebPkiServerVerifier::builder(Arc::new(roots)).build();
        Self(verifier.map_err(|error| match loaded.errors.first() {
            Some(first) => first.to_string(),
            None => error.to_string(),
        }))
    }

    /// The stream, and whether the certificate ends soon.
    pub(super) async fn over(
        &self,
        stream: TcpStream,
        host: &str,
        place: &str,
    ) -> Result<(TlsStream<TcpStream>, bool), Trouble> {
        let verifier = self.0.as_ref().map_err(|error| Trouble {
            message: format!("no certificate authority is known here: {error}"),
            remedy: REMEDY.to_owned(),
        })?;
        let verifier = Arc::new(Verifier {
            inner: Arc::clone(verifier),
            soon: AtomicBool::new(false),
        });
        let config = ClientConfig::builder()
            .dangerous()
            .with_custom_certificate_verifier(Arc::<Verifier>::clone(&verifier))
            .with_no_client_auth();
        let name = ServerName::try_from(host.to_owned()).map_err(|error| trouble(place, &error.to_string(), None))?;
        let made = timeout(PATIENCE, TlsConnector::from(Arc::new(config)).connect(name, stream)).await;
        match made {
            Ok(Ok(stream)) => Ok((stream, verifier.soon.load(Ordering::Relaxed))),
            Ok(Err(error)) => Err(explained(place, &error)),
            Err(_) => Err(trouble(place, "it does not answer in time", None)),
        }
    }
}

/// What is said of a certificate that ends soon.
pub(super) fn ends_soon(check: &'static str, backend: &str) -> Finding {
    Finding::warning(
        check,
        format!("{backend}: its certificate ends within {} days", SOON.as_secs() / 86400),
        "have whoever runs the server renew it",
    )
}

fn explained(place: &str, error: &io::Error) -> Trouble {
    let tls = error.get_ref().and_then(|error| error.downcast_ref::<Error>());
    let remedy = match tls {
        Some(Error::InvalidCertificate(certificate)) => match certificate {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                Some("have whoever runs the server renew it; see that the clock here is right")
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Some("see that the clock here is right")
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Some("write the name that the certificate has into the url")
            }
            _ => Some("add its authority to the system's certificates, or name a file with it in SSL_CERT_FILE"),
        },
        Some(Error::InvalidMessage(_)) => Some("it does not seem to speak TLS: is http:// meant?"),
        _ => None,
    };
    let why = tls.map_or_else(|| error.to_string(), ToString::to_string);
    trouble(place, &why, remedy)
}

fn trouble(place: &str, why: &str, remedy: Option<&str>) -> Trouble {
    Trouble {
        message: format!("no TLS with {place}: {why}"),
        remedy: remedy
            .unwrap_or("see whether the address and the port are right")
            .to_owned(),
    }
}

/// The system's own, asked once more for a later time.
#[derive(Debug)]
struct Verifier {
    inner: Arc<WebPkiServerVerifier>,
    soon: AtomicBool,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let at = |time| {
            self.inner
                .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, time)
        };
        let verified = at(now)?;
        let later = Duration::from_secs(now.as_secs()) + SOON;
        self.soon
            .store(at(UnixTime::since_unix_epoch(later)).is_err(), Ordering::Relaxed);
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
