//! Why a request over HTTP failed, in words for a person.

use std::error::Error;

/// An error with all its causes on one line, and what to do about it where that is known.
pub(crate) fn causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut remedy = None;
    let mut next = Some(error);
    while let Some(cause) = next {
        remedy = remedy.or_else(|| remedy_of(cause));
        next = cause.source();
        if let Some(cause) = next {
            text.push_str(": ");
            text.push_str(&cause.to_string());
        }
    }
    if let Some(remedy) = remedy {
        text.push_str("; ");
        text.push_str(remedy);
    }
    text
}

fn remedy_of(error: &(dyn Error + 'static)) -> Option<&'static str> {
    match tls(error)? {
        rustls::Error::InvalidMessage(_) => Some("it does not seem to speak TLS: is http:// meant?"),
        rustls::Error::InvalidCertificate(_) => Some(
            "its certificate is not trusted: add its authority to the system's certificates, or name a file with it in \
             SSL_CERT_FILE",
        ),
        _ => None,
    }
}

/// The TLS error in an error, which may be wrapped more than once.
fn tls<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let found = error.downcast_ref::<rustls::Error>();
    found.or_else(|| tls(error.downcast_ref::<std::io::Error>()?.get_ref()?))
}

#[cfg(test)]
mod tests {
    use rustls::{CertificateError, InvalidMessage};

    use super::*;

    #[test]
    fn tls_errors_say_what_to_do() {
        let shown = |error| causes(&std::io::Error::other(std::io::Error::other(error)));
        let plain = shown(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType));
        assert!(plain.ends_with("is http:// meant?"), "{plain}");
        let unknown = shown(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer));
        assert!(
            unknown.contains("UnknownIssuer") && unknown.contains("SSL_CERT_FILE"),
            "{unknown}"
        );
        assert_eq!(causes(&std::io::Error::other("x")), "x");
    }
}
