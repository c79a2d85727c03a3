//! The sender that an address stands for, where senders are counted.

use std::net::{IpAddr, Ipv6Addr};

/// The bits that whoever has one IPv6 address has all to himself: the lower half.
const OWN_BITS: u32 = 64;

/// The address under which a sender is counted: an IPv6 address by its /64, because a host has all the addresses of one;
/// one that maps an IPv4 address as that.
#[must_use]
pub fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(own) => IpAddr::V6(Ipv6Addr::from_bits(own.to_bits() >> OWN_BITS << OWN_BITS)),
        own => own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_a_64_or_an_ipv4_address() {
        for (address, counted) in [
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::"),
            ("2001:db8:1:3::", "2001:db8:1:3::"),
            ("::1", "::"),
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
        ] {
            let [address, counted]: [IpAddr; 2] = [address, counted].map(|text| text.parse().unwrap());
            assert_eq!(network_of(address), counted, "{address}");
        }
    }
}
