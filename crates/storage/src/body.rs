//! Stored bodies: the length in front, then an LZ4 block; of a long body a frame of zstd, which the length's highest bit says.

use lz4_flex::block::{compress_prepend_size, decompress, uncompressed_size};
use zstd::bulk;

/// The longest body that is unpacked, in bytes. Bodies that are taken in are far smaller; a longer length in front is
/// a corrupt row, and must not make us ask for that much memory.
pub(crate) const MAX_BYTES: usize = 64 * 1024 * 1024;

/// From this length on, in bytes, zstd is worth its time: a report says everything three times, too far apart for LZ4, and
/// takes half the room for a quarter more time. Of short bodies zstd saves a third, in three times the time.
const LONG_BYTES: usize = 32 * 1024;

/// The bit of the length in front that a frame of zstd follows.
const IS_ZSTD: usize = 1 << 31;

/// Packs a body.
pub(crate) fn pack(body: &[u8]) -> Vec<u8> {
    let frame = Some(body).filter(|body| (LONG_BYTES..MAX_BYTES).contains(&body.len()));
    let frame = frame.and_then(|body| bulk::compress(body, 1).ok());
    match (frame, u32::try_from(body.len() | IS_ZSTD)) {
        (Some(frame), Ok(length)) => [length.to_le_bytes().as_slice(), &frame].concat(),
        _ => compress_prepend_size(body),
    }
}

/// Unpacks a body; `None` when it is corrupt.
pub(crate) fn unpack(packed: &[u8]) -> Option<Vec<u8>> {
    let (length, block) = uncompressed_size(packed).ok()?;
    let is_zstd = length & IS_ZSTD != 0;
    let length = length & !IS_ZSTD;
    if length > MAX_BYTES {
        return None;
    }
    let body = if is_zstd { bulk::decompress(block, length).ok() } else { decompress(block, length).ok() };
    body.filter(|body| body.len() == length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_come_back_as_they_were() {
        let long = "{\"a\":\"\u{1F600}\"}".repeat(5000);
        for body in [&b""[..], b"{}", &[0; LONG_BYTES - 1], &[0; LONG_BYTES], long.as_bytes()] {
            assert_eq!(unpack(&pack(body)).unwrap(), body);
        }
    }

    #[test]
    fn a_block_of_another_writer_is_read() {
        // Length 10 in little-endian order, then by the LZ4 block format: 5 literals, and a match of 5 at distance 1,
        // as `lz4.block.compress` of Python would lay it out (tokens written by hand).
        let block = [10, 0, 0, 0, 0x51, b'a', b'b', b'c', b'd', b'e', 1, 0, 0x00];
        assert_eq!(unpack(&block).unwrap(), b"abcdeeeeee");
        // Length 10 with the highest bit, then by RFC 8878: the magic number, a header without content size whose window is
        // 1 KiB, and a last block of 10 times one byte.
        let frame = [10, 0, 0, 0x80, 0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x00, 0x53, 0x00, 0x00, b'e'];
        assert_eq!(unpack(&frame).unwrap(), b"eeeeeeeeee");
    }

    #[test]
    fn corrupt_bodies_are_refused() {
        assert_eq!(unpack(b""), None);
        assert_eq!(unpack(&[255, 255, 255, 127, 0]), None);
        assert_eq!(unpack(&[255, 255, 255, 255, 0]), None);
        for mut packed in [pack(&[b'x'; 1000]), pack(&[b'x'; LONG_BYTES])] {
            packed.truncate(packed.len() - 2);
            assert_eq!(unpack(&packed), None);
        }
    }
}
