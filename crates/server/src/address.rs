//! The sender of a request and its transport: the peer's, or a trusted proxy's word on it.

use std::net::IpAddr;

use actix_web::http::header::HeaderMap;
use intake::Origin;
use ipnet::IpNet;

const FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED_PROTO: &str = "x-forwarded-proto";

/// Where a request came from. The headers of a trusted peer count; those of anybody else mean nothing.
pub(crate) fn origin(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> Origin {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
    let peer = peer.to_canonical();
    if !is_trusted(peer) {
        return Origin { address: peer, is_https: false };
    }
    // The last proxy speaks last, so what it says is what counts.
    let is_https =
        last_words(headers, FORWARDED_PROTO).next().is_some_and(|word| word.eq_ignore_ascii_case("https"));
    let mut address = peer;
    for word in last_words(headers, FORWARDED_FOR) {
        // Beyond a word that is no address, no word can be believed.
        let Ok(hop) = word.parse::<IpAddr>() else { break };
        address = hop.to_canonical();
        if !is_trusted(address) {
            break;
        }
    }
    Origin { address, is_https }
}

/// The comma-separated words of a header, the last one first, also when it is repeated.
fn last_words<'a>(headers: &'a HeaderMap, name: &'static str) -> impl Iterator<Item = &'a str> {
    let values: Vec<&str> = headers.get_all(name).map(|value| value.to_str().unwrap_or_default()).collect();
    values.into_iter().rev().flat_map(|value| value.rsplit(',').map(str::trim))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn origin_of(peer: &str, headers: &[(&'static str, &'static str)]) -> Origin {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let trusted = ["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        origin(peer.parse().unwrap(), &map, &trusted)
    }

    #[test]
    fn a_strangers_headers_mean_nothing() {
        let origin = origin_of("192.0.2.1", &[(FORWARDED_FOR, "203.0.113.9"), (FORWARDED_PROTO, "https")]);
        assert_eq!(origin, Origin { address: "192.0.2.1".parse().unwrap(), is_https: false });
    }

    #[test]
    fn a_trusted_proxy_names_the_last_hop_that_is_not_trusted() {
        let headers = [(FORWARDED_FOR, "198.51.100.7, 203.0.113.9"), (FORWARDED_FOR, "10.2.3.4")];
        assert_eq!(origin_of("10.0.0.1", &headers).address.to_string(), "203.0.113.9");
        assert_eq!(origin_of("::ffff:10.0.0.1", &headers).address.to_string(), "203.0.113.9");
        assert_eq!(origin_of("10.0.0.1", &[]).address.to_string(), "10.0.0.1");
        assert_eq!(origin_of("::1", &[(FORWARDED_FOR, "203.0.113.9, junk")]).address.to_string(), "::1");
    }

    #[test]
    fn the_last_proxy_says_whether_it_was_tls() {
        assert!(origin_of("10.0.0.1", &[(FORWARDED_PROTO, "http, HTTPS")]).is_https);
        assert!(!origin_of("10.0.0.1", &[(FORWARDED_PROTO, "https"), (FORWARDED_PROTO, "http")]).is_https);
        assert!(!origin_of("10.0.0.1", &[]).is_https);
    }
}
