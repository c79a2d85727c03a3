//! Knowledge files: patterns resolved beside the organizations file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use tenant::Document;

use crate::checker::Checker;

/// Largest knowledge file, in bytes.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

impl Checker<'_> {
    pub(crate) fn knowledge(&mut self, patterns: &[String]) -> Vec<Document> {
        // By path, so that the order does not depend on the file system and no file is taken twice.
        let mut files = BTreeMap::new();
        for (index, pattern) in patterns.iter().enumerate() {
            let field = format!("knowledge[{index}]");
            let found = self.matches(pattern);
            let found = found.map_err(|error| format!("{pattern:?} is not a file pattern: {error}"));
            let Some(paths) = self.noted(&field, found) else { continue };
            if paths.is_empty() {
                self.problem(&field, format_args!("{pattern:?} matches no file"));
            }
            for path in paths {
                let name = path.strip_prefix(&self.source.base_dir).unwrap_or(&path);
                let name = name.to_string_lossy().replace('\\', "/");
                let content = self.own(&path).and_then(|path| read(&path));
                let content = self.noted(&field, content.map_err(|reason| format!("{name} {reason}")));
                files.extend(content.map(|content| (name, content)));
            }
        }
        files
            .into_iter()
            .map(|(path, content)| Document { title: title(&path, &content), path, content })
            .collect()
    }

    /// The file itself, where it lies beside the organizations file or below: neither `..` nor a link leads elsewhere.
    fn own(&self, path: &Path) -> Result<PathBuf, String> {
        let unreadable = |error| format!("cannot be read: {error}");
        let base = Path::new(".").join(&self.source.base_dir).canonicalize().map_err(unreadable)?;
        let path = path.canonicalize().map_err(unreadable)?;
        if path.starts_with(base) {
            Ok(path)
        } else {
            Err("lies outside the directory of the organizations file".to_owned())
        }
    }

    fn matches(&self, pattern: &str) -> Result<Vec<PathBuf>, glob::PatternError> {
        let base = glob::Pattern::escape(&self.source.base_dir.to_string_lossy());
        let full = Path::new(&base).join(pattern);
        let found = glob::glob(&full.to_string_lossy())?;
        // Directories that cannot be read hold nothing that could be taken.
        Ok(found.flatten().filter(|path| path.is_file()).collect())
    }
}

fn read(path: &Path) -> Result<String, String> {
    let unreadable = |error| format!("cannot be read: {error}");
    let mut content = String::new();
    // One byte more than it may have: what a file says of its length need not be so.
    let file = File::open(path).map_err(unreadable)?;
    file.take(MAX_FILE_BYTES + 1).read_to_string(&mut content).map_err(unreadable)?;
    if u64::try_from(content.len()).is_ok_and(|length| length > MAX_FILE_BYTES) {
        return Err(format!("has more than {MAX_FILE_BYTES} bytes"));
    }
    if content.trim().is_empty() { Err("is empty".to_owned()) } else { Ok(content) }
}

/// The first Markdown heading, else the name of the file without its ending.
fn title(path: &str, content: &str) -> String {
    let heading = content
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| line.trim_start_matches('#').trim())
        .find(|heading| !heading.is_empty());
    let stem = || Path::new(path).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    heading.map(str::to_owned).or_else(stem).unwrap_or_default()
}
