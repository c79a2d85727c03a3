//! Ports that no two programs under test are given at once, whichever test process starts them.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use uuid::Uuid;

/// Below the range from which the system gives out ports for outgoing connections.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// A free port of the loopback, kept from other tests as long as the value lives.
#[derive(Debug)]
pub(crate) struct Port {
    pub(crate) number: u16,
    path: PathBuf,
    /// Holds the lock.
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
            let path = directory.join(number.to_string());
            let claim = File::create(&path).unwrap();
            let is_ours = claim.try_lock().is_ok() && is_same(&claim, &path);
            if is_ours && TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok() {
                return Self { number, path, _claim: claim };
            }
        }
        panic!("no port between {FIRST} and {} is free", FIRST + COUNT);
    }
}

/// False when the file was removed by its last owner after it had been opened here: the lock on it means nothing.
fn is_same(file: &File, path: &Path) -> bool {
    let (Ok(opened), Ok(found)) = (file.metadata(), fs::metadata(path)) else { return false };
    (opened.dev(), opened.ino()) == (found.dev(), found.ino())
}

impl Drop for Port {
    fn drop(&mut self) {
        // While the lock is held; what a killed test leaves behind is an empty file.
        let _ = fs::remove_file(&self.path);
    }
}
