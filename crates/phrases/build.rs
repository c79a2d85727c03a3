//! Lists the message files, so that a new language is a new file and nothing else.

use std::io::Write;
use std::path::Path;
use std::{env, fs, io};

#[expect(clippy::disallowed_methods, reason = "cargo tells a build script by the environment where to write")]
fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=messages");
    let directory = fs::canonicalize("messages")?;
    let mut files: Vec<_> =
        fs::read_dir(directory)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "ftl"));
    files.sort();
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo sets OUT_DIR"))?;
    let mut list = fs::File::create(Path::new(&out).join("files.rs"))?;
    writeln!(list, "&[")?;
    for file in files {
        let language = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        writeln!(list, "({language:?}, include_str!({file:?})),")?;
    }
    writeln!(list, "]")
}
