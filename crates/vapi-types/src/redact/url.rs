//! The parts of a URL that let in whoever has them: the user in front of the host, and tokens in the query.

use super::names::is_secret_in_query;

/// The value in the place of a secret in a query, where brackets may not stand.
const REDACTED: &str = "redacted";
/// Longest scheme that is looked for.
const MAX_SCHEME: usize = 16;

/// The URL without its user and without the secrets of its query; `None` where it has neither, or where the text is none.
pub(super) fn cleaned(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    if !is_scheme(scheme) {
        return None;
    }
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    let host = authority.rsplit_once('@').map_or(authority, |(_user, host)| host);
    let (path, query) = rest.split_at(rest.find(['?', '#']).unwrap_or(rest.len()));
    let mut clean = [scheme, "://", host, path].concat();
    for part in query.split_inclusive(['?', '#', '&', ';']) {
        let stop = part.len() - usize::from(part.ends_with(['?', '#', '&', ';']));
        let (pair, stop) = part.split_at(stop);
        match pair.split_once('=') {
            Some((name, value)) if !value.is_empty() && is_secret_in_query(name) => {
                clean.push_str(name);
                clean.push('=');
                clean.push_str(REDACTED);
            }
            _ => clean.push_str(pair),
        }
        clean.push_str(stop);
    }
    (clean != text).then_some(clean)
}

/// True for text between quotes that may be a URL, escapes or not: nearly no text passes.
pub(super) fn may_be(raw: &[u8]) -> bool {
    let colon = raw.iter().take(MAX_SCHEME + 1).position(|byte| !is_scheme_byte(*byte));
    colon.is_some_and(|at| at > 1 && matches!(raw.get(at..at + 2), Some(b":/" | b":\\")))
}

fn is_scheme(text: &str) -> bool {
    (2..=MAX_SCHEME).contains(&text.len()) && text.bytes().all(is_scheme_byte)
}

fn is_scheme_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_loses_its_user_and_its_tokens() {
        for (url, clean) in [
            ("https://user:pw@example.com/a?b=c", "https://example.com/a?b=c"),
            ("wss://key@example.com", "wss://example.com"),
            ("postgres://u:p@w@db.example:5432/x", "postgres://db.example:5432/x"),
            ("https://example.com/hook?token=t", "https://example.com/hook?token=redacted"),
            (
                "https://s3.example/r.wav?X-Amz-Date=1&X-Amz-Credential=c%2F1&X-Amz-Signature=0a&X-Amz-Expires=60",
                "https://s3.example/r.wav?X-Amz-Date=1&X-Amz-Credential=redacted&X-Amz-Signature=redacted&X-Amz-Expires=60",
            ),
            (
                "https://x.example/?api_key=1;sig=2#access_token=3",
                "https://x.example/?api_key=redacted;sig=redacted#access_token=redacted",
            ),
            (
                "https://f.example/api/f?code=1&country_code=US",
                "https://f.example/api/f?code=redacted&country_code=US",
            ),
            ("https://x.example?key=1", "https://x.example?key=redacted"),
        ] {
            assert_eq!(cleaned(url).as_deref(), Some(clean));
            assert_eq!(cleaned(clean), None, "{clean}");
        }
        for url in [
            "https://example.com",
            "https://example.com/a@b?c=d@e",
            "https://example.com/?token=&maxTokens=5&keypad=1",
            "https://example.com/?",
            "sip:user:pw@example.com",
            "see https://user:pw@example.com",
            "://a@b",
            "https:",
            "",
        ] {
            assert_eq!(cleaned(url), None, "{url}");
        }
    }

    #[test]
    fn a_look_at_the_beginning_is_enough() {
        for text in ["https://a", "https:\\/\\/a", "ws:\\u002f/a", "stun+x.y-z://"] {
            assert!(may_be(text.as_bytes()), "{text}");
        }
        for text in ["", "h://a", "http", "http:", "note: a/b", "averyverylongscheme://a", "Hello there://"] {
            assert!(!may_be(text.as_bytes()), "{text}");
        }
    }
}
