//! Who sent a request, and over what: the peer, or what a trusted proxy says of it.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use actix_web::http::header::HeaderMap;
use intake::Origin;

const FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED_PROTO: &str = "x-forwarded-proto";

/// A network, or one address: `10.0.0.0/8`, `::1`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct IpRange {
    network: IpAddr,
    prefix: u8,
}

/// A text that is neither an address nor a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither an address nor a network such as 10.0.0.0/8")]
pub struct NotARange(String);

impl IpRange {
    /// True when the address lies in the network. IPv4 written as IPv6 counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.network, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                same_head(network.to_bits().into(), address.to_bits().into(), 32, self.prefix)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                same_head(network.to_bits(), address.to_bits(), 128, self.prefix)
            }
            _ => false,
        }
    }
}

/// Compares the first `prefix` of `width` bits.
fn same_head(left: u128, right: u128, width: u32, prefix: u8) -> bool {
    // A prefix of nothing shifts everything out, which a plain shift refuses to do.
    (left ^ right).checked_shr(width.saturating_sub(prefix.into())).unwrap_or(0) == 0
}

impl FromStr for IpRange {
    type Err = NotARange;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let not_a_range = || NotARange(text.to_owned());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let network = address.parse::<IpAddr>().map_err(|_not_an_address| not_a_range())?.to_canonical();
        let width = if network.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(digits) => digits.parse().map_err(|_not_a_number| not_a_range())?,
            None => width,
        };
        if prefix > width { Err(not_a_range()) } else { Ok(Self { network, prefix }) }
    }
}

impl fmt::Debug for IpRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.prefix)
    }
}

/// Where a request came from. The headers of a trusted peer count; those of anybody else mean nothing.
pub(crate) fn origin(peer: IpAddr, headers: &HeaderMap, trusted: &[IpRange]) -> Origin {
    let is_trusted = |address: IpAddr| trusted.iter().any(|range| range.contains(address));
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
        let trusted = ["10.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()];
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
    fn ranges_are_read_and_compared_by_prefix() {
        let contains =
            |range: &str, address: &str| range.parse::<IpRange>().unwrap().contains(address.parse().unwrap());
        assert!(contains("0.0.0.0/0", "203.0.113.9"));
        assert!(contains("192.0.2.128/25", "192.0.2.255"));
        assert!(!contains("192.0.2.128/25", "192.0.2.127"));
        assert!(contains("2001:db8::/32", "2001:db8:ffff::1"));
        assert!(!contains("2001:db8::/32", "2001:db9::1"));
        assert!(!contains("0.0.0.0/0", "2001:db8::1"));
        for text in ["", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/-1", "10.0.0.0/"] {
            assert_eq!(text.parse::<IpRange>(), Err(NotARange(text.to_owned())));
        }
    }
}
