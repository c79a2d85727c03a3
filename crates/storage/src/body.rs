//! Stored bodies: LZ4 blocks with the length in front.

use lz4_flex::block::{compress_prepend_size, decompress, uncompressed_size};

/// The longest body that is unpacked, in bytes. Bodies that are taken in are far smaller; a longer length in front is
/// a corrupt row, and must not make us ask for that much memory.
pub(crate) const MAX_BYTES: usize = 64 * 1024 * 1024;

/// Packs a body.
pub(crate) fn pack(body: &[u8]) -> Vec<u8> {
    compress_prepend_size(body)
}

/// Unpacks a body; `None` when it is corrupt.
pub(crate) fn unpack(packed: &[u8]) -> Option<Vec<u8>> {
    let (length, block) = uncompressed_size(packed).ok()?;
    if length > MAX_BYTES {
        return None;
    }
    decompress(block, length).ok().filter(|body| body.len() == length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_come_back_as_they_were() {
        for body in [&b""[..], b"{}", "{\"a\":\"\u{1F600}\"}".repeat(5000).as_bytes()] {
            assert_eq!(unpack(&pack(body)).unwrap(), body);
        }
    }

    #[test]
    fn a_block_of_another_writer_is_read() {
        // Length 10 in little-endian order, then by the LZ4 block format: 5 literals, and a match of 5 at distance 1,
        // as `lz4.block.compress` of Python would lay it out (tokens written by hand).
        let block = [10, 0, 0, 0, 0x51, b'a', b'b', b'c', b'd', b'e', 1, 0, 0x00];
        assert_eq!(unpack(&block).unwrap(), b"abcdeeeeee");
    }

    #[test]
    fn corrupt_bodies_are_refused() {
        assert_eq!(unpack(b""), None);
        assert_eq!(unpack(&[255, 255, 255, 255, 0]), None);
        let mut packed = pack(&[b'x'; 1000]);
        packed.truncate(packed.len() - 2);
        assert_eq!(unpack(&packed), None);
    }
}
