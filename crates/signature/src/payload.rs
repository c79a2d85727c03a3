//! The payload format: which pieces of a request are signed, in which order.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Longest format that is taken, in bytes.
const MAX_FORMAT_BYTES: usize = 512;

/// The provider's default.
#[cfg(test)]
const DEFAULT: &str = "{timestamp}.{body}";

/// A parsed payload format, for example `{timestamp}.{body}` (the default).
///
/// Placeholders: `{timestamp}` (the literal text of the timestamp header), `{body}` (the exact bytes
/// received), `{method}` (as received, `POST`), `{url}` (the configured public URL) and `{svix-id}`
/// (the literal text of the message id header). Everything else stands for itself.
///
/// ```
/// use signature::PayloadFormat;
///
/// let format: PayloadFormat = "v0:{timestamp}:{body}".parse()?;
/// assert_eq!(format.to_string(), "v0:{timestamp}:{body}");
/// assert!(PayloadFormat::parse("{timestamp}").is_err());
/// # Ok::<(), signature::PayloadFormatError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayloadFormat {
    pieces: Vec<Piece>,
}

impl PayloadFormat {
    /// Parses a format.
    ///
    /// # Errors
    /// [`PayloadFormatError`] if a placeholder is unknown or not closed, if `{body}` is not there
    /// exactly once, if two placeholders stand side by side and it cannot be told where the first
    /// ends, or if the text is longer than 512 bytes.
    pub fn parse(text: &str) -> Result<Self, PayloadFormatError> {
        if text.len() > MAX_FORMAT_BYTES {
            return Err(PayloadFormatError::TooLong);
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((literal, after)) = rest.split_once('{') {
            push_literal(&mut pieces, literal)?;
            let (name, after) = after.split_once('}').ok_or(PayloadFormatError::Brace)?;
            pieces.push(Piece::from_name(name)?);
            rest = after;
        }
        push_literal(&mut pieces, rest)?;
        // A second copy would hash a body of megabytes again and prove nothing more.
        if pieces.iter().filter(|piece| **piece == Piece::Body).count() != 1 {
            return Err(PayloadFormatError::Body);
        }
        if pieces.windows(2).any(|pair| matches!(pair, [one, next] if one.runs_into(next))) {
            return Err(PayloadFormatError::Neighbours);
        }
        Ok(Self { pieces })
    }

    /// The body alone.
    pub(crate) fn body_only() -> Self {
        Self { pieces: vec![Piece::Body] }
    }

    /// `{svix-id}.{timestamp}.{body}`.
    pub(crate) fn standard_webhooks() -> Self {
        let stop = || Piece::Literal(".".into());
        Self { pieces: vec![Piece::MessageId, stop(), Piece::Timestamp, stop(), Piece::Body] }
    }

    pub(crate) fn uses_timestamp(&self) -> bool {
        self.pieces.contains(&Piece::Timestamp)
    }

    pub(crate) fn uses_message_id(&self) -> bool {
        self.pieces.contains(&Piece::MessageId)
    }

    pub(crate) fn uses_url(&self) -> bool {
        self.pieces.contains(&Piece::Url)
    }

    /// Says whether a message id leaves no doubt where it ends.
    ///
    /// With `{svix-id}.{timestamp}.{body}`, an id that holds a full stop could pull the timestamp and
    /// the start of another signed body into itself, and so let an old message pass as a fresh one.
    pub(crate) fn is_unambiguous(&self, message_id: &[u8]) -> bool {
        self.pieces.windows(2).all(|pair| match pair {
            [Piece::MessageId, Piece::Literal(text)] => {
                !message_id.windows(text.len()).any(|window| window == text.as_bytes())
            }
            _ => true,
        })
    }

    /// Feeds the pieces in order, without joining them in a buffer first.
    pub(crate) fn feed(&self, mut feed: impl FnMut(&[u8]), parts: &Parts<'_>) {
        for piece in &self.pieces {
            feed(match piece {
                Piece::Literal(text) => text.as_bytes(),
                Piece::Timestamp => parts.timestamp,
                Piece::Body => parts.body,
                Piece::Method => parts.method.as_bytes(),
                Piece::Url => parts.url.as_bytes(),
                Piece::MessageId => parts.message_id,
            });
        }
    }
}

impl Default for PayloadFormat {
    /// Returns the provider's default, `{timestamp}.{body}`.
    fn default() -> Self {
        Self { pieces: vec![Piece::Timestamp, Piece::Literal(".".into()), Piece::Body] }
    }
}

impl FromStr for PayloadFormat {
    type Err = PayloadFormatError;

    fn from_str(text: &str) -> Result<Self, PayloadFormatError> {
        Self::parse(text)
    }
}

impl fmt::Display for PayloadFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pieces.iter().try_for_each(|piece| match piece {
            Piece::Literal(text) => f.write_str(text),
            Piece::Timestamp => f.write_str("{timestamp}"),
            Piece::Body => f.write_str("{body}"),
            Piece::Method => f.write_str("{method}"),
            Piece::Url => f.write_str("{url}"),
            Piece::MessageId => f.write_str("{svix-id}"),
        })
    }
}

/// Why a payload format is not taken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PayloadFormatError {
    /// A placeholder that the provider does not have.
    #[error("unknown placeholder {{{0}}}; known are {{timestamp}} {{body}} {{method}} {{url}} {{svix-id}}")]
    Unknown(String),
    /// A brace without its partner.
    #[error("a brace has no partner")]
    Brace,
    /// `{body}` is absent or repeated.
    #[error("{{body}} must be there exactly once")]
    Body,
    /// Two placeholders side by side, whose values could be cut elsewhere and signed all the same.
    #[error(
        "between {{svix-id}}, {{timestamp}} and {{url}} stands some text that they do not hold, such as a full stop"
    )]
    Neighbours,
    /// The text is longer than 512 bytes.
    #[error("the format is longer than {MAX_FORMAT_BYTES} bytes")]
    TooLong,
}

/// The values that a format asks for. Unused ones stay empty.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Parts<'a> {
    pub(crate) timestamp: &'a [u8],
    pub(crate) message_id: &'a [u8],
    pub(crate) method: &'a str,
    pub(crate) url: &'a str,
    pub(crate) body: &'a [u8],
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(Box<str>),
    Timestamp,
    Body,
    Method,
    Url,
    MessageId,
}

impl Piece {
    /// Says whether the value of this piece could end elsewhere, and that of the next begin there, and both be taken.
    ///
    /// A body is one JSON object, so that nothing can be moved between it and a timestamp, a method or a URL; and a URL
    /// begins after a method's capitals.
    fn runs_into(&self, next: &Self) -> bool {
        match (self, next) {
            (Self::Literal(_), _) | (_, Self::Literal(_)) | (Self::Method, Self::Url) => false,
            (Self::MessageId, _) | (_, Self::MessageId) => true,
            (Self::Body, _) | (_, Self::Body) => false,
            _ => true,
        }
    }

    fn from_name(name: &str) -> Result<Self, PayloadFormatError> {
        match name {
            "timestamp" => Ok(Self::Timestamp),
            "body" => Ok(Self::Body),
            "method" => Ok(Self::Method),
            "url" => Ok(Self::Url),
            "svix-id" => Ok(Self::MessageId),
            other => Err(PayloadFormatError::Unknown(other.to_owned())),
        }
    }
}

fn push_literal(pieces: &mut Vec<Piece>, text: &str) -> Result<(), PayloadFormatError> {
    if text.contains('}') {
        return Err(PayloadFormatError::Brace);
    }
    if !text.is_empty() {
        pieces.push(Piece::Literal(text.into()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_what_its_text_says() {
        assert_eq!(PayloadFormat::parse(DEFAULT), Ok(PayloadFormat::default()));
        assert_eq!(PayloadFormat::default().to_string(), DEFAULT);
    }

    #[test]
    fn each_mistake_has_its_own_error() {
        let error = |text: &str| PayloadFormat::parse(text).unwrap_err();
        assert_eq!(error("{nonce}.{body}"), PayloadFormatError::Unknown("nonce".to_owned()));
        assert_eq!(error("{Body}"), PayloadFormatError::Unknown("Body".to_owned()));
        assert_eq!(error("{timestamp"), PayloadFormatError::Brace);
        assert_eq!(error("timestamp}{body}"), PayloadFormatError::Brace);
        assert_eq!(error("{timestamp}."), PayloadFormatError::Body);
        assert_eq!(error(""), PayloadFormatError::Body);
        assert_eq!(error("{body}{body}"), PayloadFormatError::Body);
        for format in [
            "{svix-id}{timestamp}.{body}",
            "{timestamp}{svix-id}.{body}",
            "{url}{timestamp}{body}",
            "{svix-id}{body}",
        ] {
            assert_eq!(error(format), PayloadFormatError::Neighbours, "{format}");
        }
        assert_eq!(error(&format!("{}{{body}}", "x".repeat(600))), PayloadFormatError::TooLong);
        assert_eq!(
            error("{nonce}").to_string(),
            "unknown placeholder {nonce}; known are {timestamp} {body} {method} {url} {svix-id}"
        );
    }

    #[test]
    fn neighbours_that_can_be_told_apart_are_taken() {
        for format in ["{timestamp}{body}", "{body}{timestamp}", "{method}{url}{body}{timestamp}", "{body}"] {
            assert_eq!(PayloadFormat::parse(format).unwrap().to_string(), format);
        }
    }

    #[test]
    fn an_id_with_the_separator_inside_is_ambiguous() {
        let format = PayloadFormat::parse("{svix-id}.{timestamp}.{body}").unwrap();
        assert!(format.is_unambiguous(b"msg_1"));
        assert!(!format.is_unambiguous(b"msg.1"));
        assert!(PayloadFormat::default().is_unambiguous(b"msg.1"));
    }
}
