//! Files with keys: readable by their owner alone, and there whole or not at all.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    time::SystemTime,
};

/// What changes whenever a file does, for those who look now and then.
///
/// A time alone is too coarse: two changes within its step would look like one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    modified: SystemTime,
    length: u64,
    #[cfg(unix)]
    inode: u64,
}

impl Stamp {
    /// That of the file at `path`, or of what a link there leads to; `None` while nothing is there.
    ///
    /// # Errors
    /// It cannot be told.
    pub fn of(path: &Path) -> io::Result<Option<Self>> {
        let found = match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            found => found?,
        };
        Ok(Some(Self {
            modified: found.modified()?,
            length: found.len(),
            #[cfg(unix)]
            inode: std::os::unix::fs::MetadataExt::ino(&found),
        }))
    }
}

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    Owner,
    Everyone,
}

/// Reads `path`, or makes it with `contents` if it is not there; its owner alone may read it.
///
/// Two processes that do this at once end up with the same contents.
///
/// # Errors
/// The file can be neither read nor made.
pub fn read_or_create(path: &Path, contents: &[u8]) -> io::Result<Vec<u8>> {
    match read(path)? {
        Some(found) => Ok(found),
        None => create(path, contents),
    }
}

/// Reads `path`, if it is there; its owner alone may read it.
///
/// # Errors
/// It is there and cannot be read.
pub fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(found) => {
            close_to_others(path)?;
            Ok(Some(found))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn create(path: &Path, contents: &[u8]) -> io::Result<Vec<u8>> {
    let draft = write_draft(path, contents, Readers::Owner)?;
    // Unlike a rename, a link never replaces what another process put there first.
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Ok(()) => {
            sync_folder(path)?;
            Ok(contents.to_owned())
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => fs::read(path),
        Err(error) => Err(error),
    }
}

/// Puts `contents` at `path`, in place of what was there.
///
/// # Errors
/// The file cannot be written; then the old one is still there.
pub fn replace(path: &Path, contents: &[u8], readers: Readers) -> io::Result<()> {
    let draft = write_draft(path, contents, readers)?;
    fs::rename(&draft, path).inspect_err(|_| {
        let _ = fs::remove_file(&draft);
    })?;
    sync_folder(path)
}

/// Writes a file beside `path`, on disk before anybody sees it under its name.
fn write_draft(path: &Path, contents: &[u8], readers: Readers) -> io::Result<PathBuf> {
    fs::create_dir_all(folder(path))?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", uuid::Uuid::new_v4().simple()));
    let draft = path.with_file_name(name);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(
        &mut options,
        match readers {
            Readers::Owner => 0o600,
            Readers::Everyone => 0o644,
        },
    );
    let mut file = options.open(&draft)?;
    file.write_all(contents)
        .and_then(|()| file.sync_all())
        .inspect_err(|_| {
            let _ = fs::remove_file(&draft);
        })?;
    Ok(draft)
}

/// The new name is on disk, too, and survives a power cut.
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder(path))?.sync_all()
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Takes a key that came by copy or backup back from everybody else.
fn close_to_others(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;

        if fs::metadata(path)?.permissions().mode() & 0o077 != 0 {
            tracing::warn!(file = %path.display(), "others could read this key; now they cannot");
            fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        }
    }
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_key_is_for_its_owner_and_nothing_else_is_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/key");
        assert_eq!(read_or_create(&path, b"one").unwrap(), b"one");
        assert_eq!(mode(&path), 0o600);
        assert_eq!(read_or_create(&path, b"two").unwrap(), b"one", "made once");
        replace(&path, b"three", Readers::Everyone).unwrap();
        assert_eq!(
            (fs::read(&path).unwrap(), mode(&path)),
            (b"three".to_vec(), 0o644)
        );
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn whoever_comes_second_takes_what_the_first_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let made: std::collections::HashSet<_> = std::thread::scope(|scope| {
            let makers: Vec<_> = (0..8_u8)
                .map(|maker| {
                    let path = &path;
                    scope.spawn(move || read_or_create(path, &[maker; 32]).unwrap())
                })
                .collect();
            makers
                .into_iter()
                .map(|maker| maker.join().unwrap())
                .collect()
        });
        assert_eq!(made.len(), 1, "all have the same key");
    }

    #[test]
    fn a_stamp_tells_two_files_of_one_length_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        assert_eq!(Stamp::of(&path).unwrap(), None);
        replace(&path, b"one", Readers::Owner).unwrap();
        let first = Stamp::of(&path).unwrap();
        assert_eq!(Stamp::of(&path).unwrap(), first);
        replace(&path, b"two", Readers::Owner).unwrap();
        assert_ne!(Stamp::of(&path).unwrap(), first);
    }

    #[test]
    fn a_key_that_others_could_read_is_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        replace(&path, b"one", Readers::Everyone).unwrap();
        read_or_create(&path, b"two").unwrap();
        assert_eq!(mode(&path), 0o600);
    }
}
