//! Ports that no two programs under test are given at once, whichever test process starts them.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};

use uuid::Uuid;

/// Below the range from which the system gives out ports for outgoing connections.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// A free port of the loopback, kept from other tests as long as the value lives.
#[derive(Debug)]
pub(crate) struct Port {
    pub(crate) number: u16,
    /// The lock goes with the file.
    _claim: File,
}

impl Port {
    /// Claims a free port.
    ///
    /// Asking the system for port 0 and closing it again would let another test get the same port in between, and
    /// then talk to the wrong program.
    pub(crate) fn claim() -> Self {
        let directory = std::env::temp_dir().join("vapi-gateway-test-ports");
        fs::create_dir_all(&directory).unwrap();
        let (random, _) = Uuid::new_v4().as_u64_pair();
        let start = u16::try_from(random % u64::from(COUNT)).unwrap();
        for step in 0..COUNT {
            let number = FIRST + (start + step) % COUNT;
            let claim = File::create(directory.join(number.to_string())).unwrap();
            if claim.try_lock().is_ok() && TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok() {
                return Self { number, _claim: claim };
            }
        }
        panic!("no port between {FIRST} and {} is free", FIRST + COUNT);
    }
}
