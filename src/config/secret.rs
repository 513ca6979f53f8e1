//! The sources that secrets are read from.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::secret::Secret;

/// Parses a secret from a flag or variable.
pub(super) fn secret(text: &str) -> Result<Secret<String>, std::convert::Infallible> {
    Ok(Secret::new(text.to_owned()))
}

/// Largest secret file; a larger one is not a secret.
const LONGEST: u64 = 64 * 1024;

/// Reads a secret from a file, without the trailing line break that editors and `echo` add.
pub(super) fn read_file(path: &Path) -> io::Result<Secret<String>> {
    let mut text = String::new();
    let mut file = std::fs::File::open(path)?.take(LONGEST + 1);
    file.read_to_string(&mut text)?;
    if text.len() as u64 > LONGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "over 64 KiB: not a secret"));
    }
    text.truncate(text.trim_end_matches(['\r', '\n']).len());
    Ok(Secret::new(text))
}

/// Reads the secret at `path`, or creates it (256 random bits in hex, readable by the owner only).
///
/// Development only: so that tokens stay valid across restarts without a configured secret.
pub(super) fn read_or_make(path: &Path) -> io::Result<Secret<String>> {
    match read_file(path) {
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => {}
        found => return found,
    }
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    // Written completely under another name, then linked: of two processes that start at once, one link
    // succeeds and both read that file.
    let draft = draft_of(path);
    let written = write_new(&draft, &random_hex()).and_then(|()| std::fs::hard_link(&draft, path));
    let removed = std::fs::remove_file(&draft);
    match written {
        Err(lost) if lost.kind() != io::ErrorKind::AlreadyExists => return Err(lost),
        _ => removed?,
    }
    read_file(path)
}

/// Reads the secret at `path`; generates one without storing it if the file does not exist.
pub(super) fn read_or_invent(path: &Path) -> io::Result<Secret<String>> {
    match read_file(path) {
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => Ok(Secret::new(random_hex())),
        found => found,
    }
}

/// Makes the names in the folder of `file` durable.
#[cfg(unix)]
pub(super) fn sync_folder(file: &Path) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    std::fs::File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all())
}

/// Elsewhere folders cannot be synced.
#[cfg(not(unix))]
pub(super) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

fn draft_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    PathBuf::from(name)
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}

fn random_hex() -> String {
    use std::fmt::Write as _;
    let bytes: [u8; 32] = random_bytes();
    bytes.iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[allow(clippy::disallowed_methods, reason = "a secret is the one thing that no seed may decide")]
fn random_bytes() -> [u8; 32] {
    rand::random()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_secret_is_kept_and_only_its_owner_reads_it() {
        let folder = std::env::temp_dir().join(format!("souk-secret-{}", uuid::Uuid::new_v4()));
        let path = folder.join("souk.db.jwt-secret");
        let made = read_or_make(&path).unwrap();
        assert_eq!(made.expose().len(), 64);
        assert!(read_or_make(&path).unwrap() == made);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "no draft is left behind");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
