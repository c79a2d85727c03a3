//! How the verifier reads request headers, whatever type the web framework keeps them in.

use crate::mismatch::Mismatch;

/// Longest header value that is looked at, in bytes; a longer one is malformed.
pub const MAX_HEADER_BYTES: usize = 4096;

/// A request's values under one header name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found<'a> {
    /// The header is absent.
    None,
    /// The header is there exactly once, with this value as it was received.
    One(&'a [u8]),
    /// The header is there more than once.
    Many,
}

impl<'a> Found<'a> {
    /// Counts the values of one header; the order does not matter.
    ///
    /// ```
    /// use signature::Found;
    ///
    /// assert_eq!(Found::from_values(["a".as_bytes()]), Found::One(b"a"));
    /// assert_eq!(Found::from_values([b"a", b"a"].map(|value| value.as_slice())), Found::Many);
    /// ```
    pub fn from_values(values: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut values = values.into_iter();
        match (values.next(), values.next()) {
            (None, _) => Self::None,
            (Some(value), None) => Self::One(value),
            (Some(_), Some(_)) => Self::Many,
        }
    }
}

/// The headers of a request.
///
/// Lists of pairs implement it, and `http::HeaderMap` with the feature `http`; for a framework's own header map, write a
/// newtype whose `find` is one call of [`Found::from_values`].
pub trait Headers: Sync {
    /// Finds a header. `name` is always lower case; the stored names may be in any case.
    fn find(&self, name: &str) -> Found<'_>;
}

impl<K: AsRef<str> + Sync, V: AsRef<[u8]> + Sync> Headers for &[(K, V)] {
    fn find(&self, name: &str) -> Found<'_> {
        find_pair(self, name)
    }
}

impl<K: AsRef<str> + Sync, V: AsRef<[u8]> + Sync, const N: usize> Headers for [(K, V); N] {
    fn find(&self, name: &str) -> Found<'_> {
        find_pair(self, name)
    }
}

impl<K: AsRef<str> + Sync, V: AsRef<[u8]> + Sync> Headers for Vec<(K, V)> {
    fn find(&self, name: &str) -> Found<'_> {
        find_pair(self, name)
    }
}

#[cfg(feature = "http")]
impl Headers for http::HeaderMap {
    fn find(&self, name: &str) -> Found<'_> {
        Found::from_values(self.get_all(name).iter().map(http::HeaderValue::as_bytes))
    }
}

fn find_pair<'a, K: AsRef<str>, V: AsRef<[u8]>>(pairs: &'a [(K, V)], name: &str) -> Found<'a> {
    let wanted = pairs.iter().filter(|(key, _)| key.as_ref().eq_ignore_ascii_case(name));
    Found::from_values(wanted.map(|(_, value)| value.as_ref()))
}

/// Reads a header that must be there exactly once, within bounds and not empty.
pub(crate) fn one<'a>(headers: &'a dyn Headers, name: &str) -> Result<&'a [u8], Mismatch> {
    match headers.find(name) {
        Found::None => Err(Mismatch::MissingHeader),
        Found::Many => Err(Mismatch::RepeatedHeader),
        Found::One(value) if value.is_empty() || value.len() > MAX_HEADER_BYTES => {
            Err(Mismatch::MalformedHeader)
        }
        Found::One(value) => Ok(value),
    }
}
