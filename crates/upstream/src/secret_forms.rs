//! The forms in which a backend may repeat a secret that it was given.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use secrecy::{ExposeSecret, SecretString};

/// With or without padding, as servers read it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Marks that some programs write as they are in addresses, and others do not.
const SPARED: [&str; 4] = ["", "/", "!*'()", "/:@!$&'()*+,;="];

/// The credentials in a header's value such as `Bearer x`: `x`, and for `Basic` (RFC 7617) what it stands for, and the
/// password of that.
pub(crate) fn credentials(value: &SecretString) -> Vec<SecretString> {
    let Some((scheme, credential)) = value.expose_secret().split_once(' ') else {
        return Vec::new();
    };
    let credential = credential.trim();
    let mut all = vec![SecretString::from(credential)];
    let basic = scheme.eq_ignore_ascii_case("basic");
    let decoded = basic.then(|| BASE64.decode(credential).ok()).flatten();
    if let Some(pair) = decoded.and_then(|bytes| String::from_utf8(bytes).ok()) {
        all.extend(pair.split_once(':').map(|(_, password)| SecretString::from(password)));
        all.push(pair.into());
    }
    all
}

/// A secret as it is, as it stands in JSON, and as it stands in addresses and forms; each form once.
pub(crate) fn forms(secret: SecretString) -> Vec<SecretString> {
    let text = secret.expose_secret();
    let mut all = vec![text.to_owned()];
    let mut add = |form: String| {
        if !all.contains(&form) {
            all.push(form);
        }
    };
    let quoted = serde_json::to_string(text).unwrap_or_default();
    if let Some(inside) = quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        add(inside.to_owned());
    }
    for spared in SPARED {
        for upper in [true, false] {
            let encoded = percent_encoded(text, spared, upper);
            if text.contains(' ') {
                add(encoded.replace("%20", "+"));
            }
            add(encoded);
        }
    }
    all.into_iter().map(SecretString::from).collect()
}

/// RFC 3986 section 2.1; `spared` is left as it is.
fn percent_encoded(text: &str, spared: &str, upper: bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        let letter = char::from(byte);
        if letter.is_ascii_alphanumeric() || "-._~".contains(letter) || (byte.is_ascii() && spared.contains(letter)) {
            encoded.push(letter);
        } else {
            // Writing to a text does not fail.
            let _ = match upper {
                true => write!(encoded, "%{byte:02X}"),
                false => write!(encoded, "%{byte:02x}"),
            };
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(all: &[SecretString]) -> Vec<&str> {
        all.iter().map(ExposeSecret::expose_secret).collect()
    }

    #[test]
    fn a_credential_is_known_without_its_scheme_and_a_password_without_its_user() {
        assert_eq!(shown(&credentials(&"Bearer sk-123456".into())), ["sk-123456"]);
        assert!(credentials(&"sk-123456".into()).is_empty());
        for basic in ["Basic dXNlcjpodW50ZXIyMg==", "basic dXNlcjpodW50ZXIyMg"] {
            assert_eq!(shown(&credentials(&basic.into()))[1..], ["hunter22", "user:hunter22"]);
        }
        assert_eq!(credentials(&"Basic ###".into()).len(), 1);
    }

    #[test]
    fn a_plain_secret_has_one_form_only() {
        assert_eq!(shown(&forms("sk-123_456.x".into())), ["sk-123_456.x"]);
        assert!(shown(&forms("a\"b\nc".into())).contains(&r#"a\"b\nc"#));
    }
}
