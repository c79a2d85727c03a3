//! The price of a refusal.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Spends one pass of HMAC-SHA-256 over a body and throws the result away.
///
/// A caller that refuses before any signature was computed spends what a wrong signature would have cost, so
/// that the time of an answer does not tell whether the claimed organization exists.
pub fn equalise_time(body: &[u8]) {
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(b"spent on a refusal") {
        mac.update(body);
        std::hint::black_box(mac.finalize());
    }
}
