//! Progress tokens: ours stands for the asker's on the way out, and the asker's comes back.

use crate::object::ObjectError;
use crate::{Id, Object, Raw, Sought, meta};

static TOKEN: Sought = Sought::new(meta::PROGRESS_TOKEN);

/// The longest progress token that an asker may give, in bytes: it is kept with the call and repeated in its progress.
pub const MAX_TOKEN: usize = 1024;

/// Why a progress token cannot be replaced.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The parameters cannot be looked into.
    #[error(transparent)]
    Params(#[from] ObjectError),
    /// It is too long.
    #[error("params._meta.progressToken is {0} bytes long; at most {MAX_TOKEN} are taken")]
    TooLong(usize),
}

/// `params` with `id` as the progress token, and the token that was there; as they are where there is none. A token
/// that was a string stays a string.
///
/// # Errors
/// When `params` mention a token and cannot be looked into, or the token is too long.
pub fn replace(params: &Raw, id: &Id) -> Result<(Raw, Option<Raw>), TokenError> {
    if !params.may_have(&TOKEN) {
        return Ok((params.clone(), None));
    }
    let read = Object::parse(params)?;
    let Some(meta) = read.get("_meta") else {
        return Ok((params.clone(), None));
    };
    let meta = Object::parse(meta)?;
    let Some(token) = meta.get(meta::PROGRESS_TOKEN).cloned() else {
        return Ok((params.clone(), None));
    };
    if token.as_str().len() > MAX_TOKEN {
        return Err(TokenError::TooLong(token.as_str().len()));
    }
    let ours = if token.as_str().starts_with('"') {
        Raw::string(id.as_str())
    } else {
        id.raw().clone()
    };
    let meta = meta.edit().set(meta::PROGRESS_TOKEN, ours).finish();
    Ok((read.edit().set("_meta", meta).finish(), Some(token)))
}

/// The parameters of a progress notification with `token` in place of ours.
#[must_use]
pub fn restore(params: &Raw, token: &Raw) -> Option<Raw> {
    let read = Object::parse(params).ok()?;
    Some(read.edit().set(meta::PROGRESS_TOKEN, token.clone()).finish())
}

/// Which of our ids the token of a progress notification is.
#[must_use]
pub fn number_of(params: &Raw) -> Option<u64> {
    let read = Object::parse(params).ok()?;
    read.get(meta::PROGRESS_TOKEN)?.as_str().trim_matches('"').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(text: &str) -> (String, Option<String>) {
        let (params, token) = replace(&Raw::parse(text.to_owned()).unwrap(), &Id::number(7)).unwrap();
        (params.as_str().to_owned(), token.map(|raw| raw.as_str().to_owned()))
    }

    #[test]
    fn only_the_token_changes_and_keeps_its_type() {
        assert_eq!(
            replaced(r#"{ "x":1.0,"_meta":{"progressToken":"abc","y":1}}"#),
            (
                r#"{ "x":1.0,"_meta":{"progressToken":"7","y":1}}"#.into(),
                Some("\"abc\"".into())
            )
        );
        assert_eq!(
            replaced(r#"{"_meta":{"progressToken":5}}"#).0,
            r#"{"_meta":{"progressToken":7}}"#
        );
    }

    #[test]
    fn a_token_is_not_hidden_by_its_spelling() {
        assert_eq!(
            replaced(r#"{"_meta":{"progress\u0054oken":5}}"#),
            (r#"{"_meta":{"progress\u0054oken":7}}"#.into(), Some("5".into()))
        );
    }

    #[test]
    fn a_long_token_is_refused() {
        let of = |length: usize| {
            let params = format!(r#"{{"_meta":{{"progressToken":"{}"}}}}"#, "x".repeat(length - 2));
            replace(&Raw::parse(params).unwrap(), &Id::number(7))
        };
        assert!(of(MAX_TOKEN).is_ok());
        assert!(matches!(of(MAX_TOKEN + 1), Err(TokenError::TooLong(1025))));
    }

    #[test]
    fn a_token_elsewhere_is_left_alone() {
        let text = r#"{"arguments":{"progressToken":1}}"#;
        assert_eq!(replaced(text), (text.into(), None));
    }

    #[test]
    fn tokens_come_back() {
        let params = Raw::parse(r#"{"progressToken":"7","progress":1.0}"#).unwrap();
        assert_eq!(number_of(&params), Some(7));
        let restored = restore(&params, &Raw::string("abc")).unwrap();
        assert_eq!(restored.as_str(), r#"{"progressToken":"abc","progress":1.0}"#);
    }
}
