//! Edits of PostgreSQL URLs, for tests that need another database or login on the same server.

/// Returns the URL with another database name; host, login and options stay.
///
/// # Panics
/// If the text has no `://`.
#[must_use]
pub fn with_database(url: &str, database: &str) -> String {
    let parts = Parts::of(url);
    format!("{}://{}/{database}{}", parts.scheme, parts.authority, parts.query)
}

/// Returns the URL with another login; host, database and options stay.
///
/// The login's parts are inserted as they are, so they must hold no characters that a URL reserves.
///
/// # Panics
/// If the text has no `://`.
#[must_use]
pub fn with_login(url: &str, user: &str, password: &str) -> String {
    let parts = Parts::of(url);
    // The last `@` ends the login: a password may hold an unescaped one.
    let host = parts.authority.rsplit_once('@').map_or(parts.authority, |(_, host)| host);
    format!("{}://{user}:{password}@{host}{}{}", parts.scheme, parts.path, parts.query)
}

/// A URL cut into pieces; `path` keeps its slash and `query` its question mark.
struct Parts<'a> {
    scheme: &'a str,
    authority: &'a str,
    path: &'a str,
    query: &'a str,
}

impl<'a> Parts<'a> {
    fn of(url: &'a str) -> Self {
        // The text may hold a password, so the message does not repeat it.
        let Some((scheme, rest)) = url.split_once("://") else {
            panic!("a PostgreSQL URL starts with postgres://")
        };
        let (address, query) = rest.split_at(rest.find('?').unwrap_or(rest.len()));
        let (authority, path) = address.split_at(address.find('/').unwrap_or(address.len()));
        Self { scheme, authority, path, query }
    }
}
