//! The sender of a request and its transport: the peer's, or a trusted proxy's word on it.

use std::net::{IpAddr, SocketAddr};

use actix_web::http::header::HeaderMap;
use intake::Origin;
use ipnet::IpNet;

const FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED_PROTO: &str = "x-forwarded-proto";

/// Where a request came from. The headers of a trusted peer count; those of anybody else mean nothing.
///
/// Each trusted hop says of the one before it who it was and how it came. The last hop speaks last, so the words are read
/// from the end, one of each header a hop. A hop that says nothing of the transport leaves the word of the one behind it.
pub(crate) fn origin(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> Origin {
    let mut origin = Origin { address: peer.to_canonical(), is_https: false };
    let mut addresses = last_words(headers, FORWARDED_FOR);
    let mut transports = last_words(headers, FORWARDED_PROTO);
    while trusted.iter().any(|network| network.contains(&origin.address)) {
        if let Some(word) = transports.next() {
            origin.is_https = word.eq_ignore_ascii_case("https");
        }
        // Beyond a word that is no address, no word can be believed.
        let Some(hop) = addresses.next().and_then(address_of) else { break };
        origin.address = hop;
    }
    origin
}

/// The address of a hop, which proxies write with and without brackets and a port.
fn address_of(word: &str) -> Option<IpAddr> {
    let bare = word.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address = match bare {
        Some(bare) => IpAddr::V6(bare.parse().ok()?),
        None => word.parse().or_else(|_| word.parse().map(|hop: SocketAddr| hop.ip())).ok()?,
    };
    Some(address.to_canonical())
}

/// The comma-separated words of a header, the last one first, also when it is repeated.
fn last_words<'a>(headers: &'a HeaderMap, name: &'static str) -> impl Iterator<Item = &'a str> {
    let values: Vec<&str> = headers.get_all(name).map(|value| value.to_str().unwrap_or_default()).collect();
    values.into_iter().rev().flat_map(|value| value.rsplit(',').map(str::trim))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};
    use proptest::prelude::*;

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

    #[test]
    fn the_transport_is_that_of_the_first_hop_that_is_trusted() {
        let through =
            |hops, transports| origin_of("10.0.0.1", &[(FORWARDED_FOR, hops), (FORWARDED_PROTO, transports)]);
        assert!(through("203.0.113.9, 10.2.3.4", "https, http").is_https);
        assert!(!through("203.0.113.9, 10.2.3.4", "http, https").is_https);
        // The sender's own words stand in front of those of the proxy that it came to.
        assert!(!through("203.0.113.9", "https, http").is_https);
        assert!(!through("10.9.9.9, 203.0.113.9, 10.2.3.4", "https, https, http, http").is_https);
        // One word for the whole way, as proxies write that replace the header.
        assert!(through("203.0.113.9, 10.2.3.4", "https").is_https);
    }

    #[test]
    fn a_hop_is_an_address_with_or_without_brackets_and_a_port() {
        for (word, address) in [
            ("203.0.113.9:5678", "203.0.113.9"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[::ffff:203.0.113.9]:1", "203.0.113.9"),
        ] {
            assert_eq!(
                origin_of("10.0.0.1", &[(FORWARDED_FOR, word)]).address.to_string(),
                address,
                "{word}"
            );
        }
        for junk in [
            "[203.0.113.9]",
            "[2001:db8::1",
            "203.0.113.9:",
            "203.0.113.9:99999",
            "[]:1",
            "[]",
            ":443",
            "unknown",
        ] {
            assert_eq!(
                origin_of("10.0.0.1", &[(FORWARDED_FOR, junk)]).address.to_string(),
                "10.0.0.1",
                "{junk}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_hop_reads_the_same_in_every_way_to_write_it(bits: u128, is_v4: bool, port: u16) {
            let address = match u32::try_from(bits >> 96) {
                Ok(short) if is_v4 => IpAddr::from(short.to_be_bytes()),
                _ => IpAddr::from(bits.to_be_bytes()),
            };
            let mut ways = vec![address.to_string(), SocketAddr::new(address, port).to_string()];
            ways.extend(address.is_ipv6().then(|| format!("[{address}]")));
            for way in ways {
                prop_assert_eq!(address_of(&way), Some(address.to_canonical()), "{}", way);
            }
        }

        /// Hostile headers choose among the addresses that they name, and a stranger's choose nothing.
        #[test]
        fn no_header_names_an_address_that_is_not_in_it(
            hops in prop::collection::vec("[0-9a-f:.\\[\\], x]{0,30}|10\\.0\\.0\\.[0-9]|203\\.0\\.113\\.[0-9]", 0..6),
            transports in prop::collection::vec("https?|[a-z, ]{0,9}", 0..6),
            is_trusted: bool,
        ) {
            let mut map = HeaderMap::new();
            for (name, words) in [(FORWARDED_FOR, &hops), (FORWARDED_PROTO, &transports)] {
                for word in words {
                    map.append(HeaderName::from_static(name), HeaderValue::from_str(word).unwrap());
                }
            }
            let peer: IpAddr = if is_trusted { "10.0.0.1" } else { "192.0.2.1" }.parse().unwrap();
            let found = origin(peer, &map, &["10.0.0.0/8".parse().unwrap()]);
            let named: Vec<IpAddr> = hops.iter().flat_map(|hop| hop.split(',')).filter_map(|hop| address_of(hop.trim())).collect();
            prop_assert!(found.address == peer || is_trusted && named.contains(&found.address));
            prop_assert!(is_trusted || !found.is_https);
        }
    }
}
