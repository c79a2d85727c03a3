//! Secrets at rest: XChaCha20-Poly1305 under a master key, bound to the organization and the thing they belong to, and
//! a credential's to its recipe and its validity too.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use org_resolver::OrgId;
use sha2::{Digest, Sha256};
use uuid::Uuid;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::error::StorageError;

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;
/// The length of [`MasterKey::id`].
const KEY_ID_BYTES: usize = 8;

/// A master key: 32 bytes that open every sealed value.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct MasterKey([u8; KEY_BYTES]);

impl MasterKey {
    /// Reads the base64 of 32 bytes, surrounding blanks aside.
    ///
    /// # Errors
    /// [`StorageError::Configuration`] when the text is anything else; the text itself is not repeated.
    pub fn from_base64(text: &str) -> Result<Self, StorageError> {
        let bytes = STANDARD.decode(text.trim()).map(Zeroizing::new).ok();
        let key = bytes.and_then(|bytes| <[u8; KEY_BYTES]>::try_from(bytes.as_slice()).ok());
        key.map(Self).ok_or_else(|| {
            StorageError::Configuration("the master key is not the base64 of 32 bytes".to_owned())
        })
    }

    /// Makes a key of the system's randomness.
    ///
    /// # Errors
    /// [`StorageError::Configuration`] when the system has no randomness to give.
    pub fn generate() -> Result<Self, StorageError> {
        Ok(Self(random()?))
    }

    /// Reads the key from a file, or makes the file (mode 0600) with a new key where there is none.
    ///
    /// # Errors
    /// [`StorageError::Configuration`] when the file cannot be read or made, can be read by others, or holds no key.
    pub fn load_or_create(path: &Path) -> Result<Self, StorageError> {
        match Self::load(path) {
            Err(LoadError::Absent) => match Self::create(path) {
                // Another process was first: its key counts.
                Err(LoadError::Exists) => Self::load(path),
                other => other,
            },
            other => other,
        }
        .map_err(|error| error.describe(path))
    }

    fn load(path: &Path) -> Result<Self, LoadError> {
        let mut file = File::open(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => LoadError::Absent,
            _ => LoadError::Io(error),
        })?;
        refuse_shared(&file)?;
        let mut text = Zeroizing::new(String::new());
        file.read_to_string(&mut text).map_err(LoadError::Io)?;
        Self::from_base64(&text).map_err(LoadError::Content)
    }

    fn create(path: &Path) -> Result<Self, LoadError> {
        let key = Self::generate().map_err(LoadError::Content)?;
        if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
            make_private_directory(directory).map_err(LoadError::Io)?;
        }
        // The whole key is in place under another name before the file's own name appears: a second process
        // that starts at the same time never reads half a key.
        let beside = path.with_extension(format!("new-{}", Uuid::new_v4().simple()));
        let mut file = private_file().open(&beside).map_err(LoadError::Io)?;
        let text = Zeroizing::new(format!("{}\n", &*Zeroizing::new(STANDARD.encode(key.0))));
        let linked = file
            .write_all(text.as_bytes())
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::hard_link(&beside, path));
        let removed = fs::remove_file(&beside);
        match linked {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(LoadError::Exists),
            Err(error) => Err(LoadError::Io(error)),
            Ok(()) => removed.map(|()| key).map_err(LoadError::Io),
        }
    }

    /// Names the key without telling it: the first 8 hex digits of its SHA-256.
    pub fn id(&self) -> String {
        let digest = Sha256::digest(self.0);
        digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({}, redacted)", self.id())
    }
}

enum LoadError {
    Absent,
    Exists,
    Shared,
    Io(io::Error),
    Content(StorageError),
}

impl LoadError {
    fn describe(self, path: &Path) -> StorageError {
        let path = path.display();
        StorageError::Configuration(match self {
            Self::Absent | Self::Exists => format!("the key file {path} appears and disappears"),
            Self::Shared => format!("the key file {path} can be read by others: chmod 600 {path}"),
            Self::Io(error) => format!("the key file {path} cannot be used: {error}"),
            Self::Content(error) => format!("the key file {path} cannot be used: {error}"),
        })
    }
}

#[cfg(unix)]
fn refuse_shared(file: &File) -> Result<(), LoadError> {
    use std::os::unix::fs::PermissionsExt;

    let mode = file.metadata().map_err(LoadError::Io)?.permissions().mode();
    if mode & 0o077 == 0 { Ok(()) } else { Err(LoadError::Shared) }
}

#[cfg(not(unix))]
fn refuse_shared(_file: &File) -> Result<(), LoadError> {
    Ok(())
}

/// Options for a file that is new and its owner's alone.
pub(crate) fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes a directory with its parents, its owner's alone; one that exists is left as it is.
pub(crate) fn make_private_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn random<const N: usize>() -> Result<[u8; N], StorageError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| StorageError::Configuration(format!("the system has no randomness: {error}")))?;
    Ok(bytes)
}

/// The row and column of a sealed value. A value that was moved to another row does not open.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose<'a> {
    /// The secret of a credential, with the terms on which it counts: see `recipe::terms`.
    Credential(Uuid, &'a str),
    /// The live-control URL of a call, by the provider's id.
    ControlUrl(&'a str),
    /// The word that proves the key.
    Canary,
}

impl Purpose<'_> {
    fn associated_data(self, org: OrgId) -> String {
        match self {
            Self::Credential(id, terms) => format!("organization:{org}|credential:{id}|{terms}"),
            Self::ControlUrl(id) => format!("organization:{org}|control_url:{id}"),
            Self::Canary => "canary".to_owned(),
        }
    }
}

/// A value with its nonce in front, and the name of the key that sealed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sealed {
    pub(crate) bytes: Vec<u8>,
    pub(crate) key_id: String,
}

impl Sealed {
    /// Both in one value: the key's name, of fixed length, in front.
    pub(crate) fn packed(self) -> Vec<u8> {
        [self.key_id.into_bytes(), self.bytes].concat()
    }
}

/// The name of the key that sealed what [`Sealed::packed`] gave.
pub(crate) fn key_of(packed: &[u8]) -> Option<&str> {
    let (key_id, _) = packed.split_first_chunk::<KEY_ID_BYTES>()?;
    std::str::from_utf8(key_id).ok()
}

/// Seals and opens secrets. Cheap to clone.
#[derive(Clone)]
pub struct Sealer {
    keys: Arc<[(String, XChaCha20Poly1305)]>,
}

impl Sealer {
    /// A sealer with one key.
    pub fn new(key: MasterKey) -> Self {
        Self::with_retired(key, [])
    }

    /// A sealer for work that needs no secret: it seals nothing and opens nothing.
    pub fn without_key() -> Self {
        Self { keys: Arc::default() }
    }

    /// The name of the key that seals; `None` without one.
    pub(crate) fn key_id(&self) -> Option<&str> {
        self.keys.first().map(|(id, _)| id.as_str())
    }

    /// A sealer that seals with the first key, and opens what retired keys have sealed.
    pub fn with_retired(key: MasterKey, retired: impl IntoIterator<Item = MasterKey>) -> Self {
        let keys = std::iter::once(key).chain(retired);
        Self {
            keys: keys
                .map(|key| {
                    let id = key.id();
                    (id, XChaCha20Poly1305::new(&Key::from(key.0)))
                })
                .collect(),
        }
    }

    pub(crate) fn seal(
        &self,
        org: OrgId,
        purpose: Purpose<'_>,
        secret: &[u8],
    ) -> Result<Sealed, StorageError> {
        let (key_id, cipher) = self.keys.first().ok_or(StorageError::Sealed)?;
        let nonce = random::<NONCE_BYTES>()?;
        let aad = purpose.associated_data(org);
        let ciphertext = cipher
            .encrypt(&XNonce::from(nonce), Payload { msg: secret, aad: aad.as_bytes() })
            .map_err(|_cause: chacha20poly1305::Error| StorageError::Sealed)?;
        Ok(Sealed { bytes: [nonce.as_slice(), &ciphertext].concat(), key_id: key_id.clone() })
    }

    pub(crate) fn open(
        &self,
        org: OrgId,
        purpose: Purpose<'_>,
        bytes: &[u8],
        key_id: &str,
    ) -> Result<Zeroizing<Vec<u8>>, StorageError> {
        let cipher = self.keys.iter().find(|(id, _)| id == key_id).map(|(_, cipher)| cipher);
        let (cipher, (nonce, ciphertext)) =
            cipher.zip(bytes.split_first_chunk::<NONCE_BYTES>()).ok_or(StorageError::Sealed)?;
        let aad = purpose.associated_data(org);
        cipher
            .decrypt(&XNonce::from(*nonce), Payload { msg: ciphertext, aad: aad.as_bytes() })
            .map(Zeroizing::new)
            // The cipher's error says nothing on purpose.
            .map_err(|_cause: chacha20poly1305::Error| StorageError::Sealed)
    }

    /// Opens what [`Sealed::packed`] gave.
    pub(crate) fn open_packed(
        &self,
        org: OrgId,
        purpose: Purpose<'_>,
        packed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, StorageError> {
        let key_id = key_of(packed).ok_or(StorageError::Sealed)?;
        self.open(org, purpose, packed.get(KEY_ID_BYTES..).unwrap_or_default(), key_id)
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|(id, _)| id)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORG: OrgId = OrgId::new(Uuid::from_u128(1));
    const PURPOSE: Purpose<'_> = Purpose::Credential(Uuid::from_u128(2), "terms");

    fn key(byte: u8) -> MasterKey {
        MasterKey([byte; KEY_BYTES])
    }

    #[test]
    fn a_value_opens_in_its_own_place_only() {
        let sealer = Sealer::new(key(1));
        let sealed = sealer.seal(ORG, PURPOSE, b"s3cret").unwrap();
        let open = |org, purpose| sealer.open(org, purpose, &sealed.bytes, &sealed.key_id);
        assert_eq!(open(ORG, PURPOSE).unwrap().as_slice(), b"s3cret");
        assert!(open(OrgId::new(Uuid::from_u128(9)), PURPOSE).is_err());
        assert!(open(ORG, Purpose::Credential(Uuid::from_u128(9), "terms")).is_err());
        assert!(open(ORG, Purpose::Credential(Uuid::from_u128(2), "other terms")).is_err());
        assert!(open(ORG, Purpose::ControlUrl("2")).is_err());
        assert!(!sealed.bytes.windows(6).any(|window| window == b"s3cret"));
    }

    #[test]
    fn a_packed_value_names_its_key() {
        let packed = Sealer::new(key(1)).seal(ORG, PURPOSE, b"s3cret").unwrap().packed();
        let rotated = Sealer::with_retired(key(2), [key(1)]);
        assert_eq!(rotated.open_packed(ORG, PURPOSE, &packed).unwrap().as_slice(), b"s3cret");
        assert!(Sealer::new(key(2)).open_packed(ORG, PURPOSE, &packed).is_err());
        assert!(rotated.open_packed(ORG, PURPOSE, &packed[..7]).is_err());
    }

    #[test]
    fn every_seal_differs_and_damage_shows() {
        let sealer = Sealer::new(key(1));
        let one = sealer.seal(ORG, PURPOSE, b"s3cret").unwrap();
        assert_ne!(one, sealer.seal(ORG, PURPOSE, b"s3cret").unwrap());
        for position in 0..one.bytes.len() {
            let mut bytes = one.bytes.clone();
            bytes[position] ^= 1;
            assert!(sealer.open(ORG, PURPOSE, &bytes, &one.key_id).is_err());
        }
        assert!(sealer.open(ORG, PURPOSE, &one.bytes[..20], &one.key_id).is_err());
    }

    #[test]
    fn retired_keys_open_and_do_not_seal() {
        let old = Sealer::new(key(1)).seal(ORG, PURPOSE, b"s3cret").unwrap();
        let rotated = Sealer::with_retired(key(2), [key(1)]);
        assert_eq!(rotated.open(ORG, PURPOSE, &old.bytes, &old.key_id).unwrap().as_slice(), b"s3cret");
        assert_eq!(rotated.seal(ORG, PURPOSE, b"x").unwrap().key_id, key(2).id());
        assert!(Sealer::new(key(2)).open(ORG, PURPOSE, &old.bytes, &old.key_id).is_err());
    }

    #[test]
    fn key_ids_are_the_digest_that_sha256sum_prints() {
        // head -c 32 /dev/zero | sha256sum
        assert_eq!(key(0).id(), "66687aad");
        assert_eq!(format!("{:?}", key(0)), "MasterKey(66687aad, redacted)");
    }

    #[test]
    fn keys_are_32_bytes_of_base64() {
        let zeros = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        assert_eq!(MasterKey::from_base64(&format!(" {zeros}\n")).unwrap().id(), "66687aad");
        for text in ["", "AAAA", "not base64 at all", &zeros[1..]] {
            assert!(MasterKey::from_base64(text).is_err(), "{text}");
        }
    }
}
