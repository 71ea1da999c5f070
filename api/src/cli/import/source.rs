//! Which files are read, and the JSON documents in them, decompressed.

use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

/// Most bytes that one file may become when decompressed.
const LIMIT: u64 = 4 << 30;

/// The files below `paths` that hold resources by their names, in order.
///
/// Errors: a path that does not exist or cannot be listed.
pub(crate) fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            below(path, &mut files)?;
        } else if path.is_file() {
            files.push(path.clone());
        } else {
            return Err(format!("There is no file or folder {}.", path.display()));
        }
    }
    Ok(files)
}

fn below(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let failed = |error| format!("The folder {} cannot be read: {error}.", folder.display());
    let entries: Result<Vec<_>, _> = std::fs::read_dir(folder).map_err(failed)?.collect();
    let mut entries: Vec<PathBuf> = entries.map_err(failed)?.iter().map(std::fs::DirEntry::path).collect();
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            below(&entry, files)?;
        } else if holds_resources(&entry.to_string_lossy()) {
            files.push(entry);
        }
    }
    Ok(())
}

fn holds_resources(name: &str) -> bool {
    let plain = name.trim_end_matches(".gz").trim_end_matches(".zst");
    [".json", ".ndjson", ".jsonl", ".zip"].iter().any(|ending| plain.ends_with(ending))
}

/// The JSON documents in a file, each with a name to report it by.
///
/// Errors: a sentence when the file is not what its name says.
pub(crate) fn documents(name: &str, bytes: Vec<u8>) -> Result<Vec<(String, Vec<u8>)>, String> {
    let corrupt = |_| "is not compressed as its name says".to_owned();
    if let Some(plain) = name.strip_suffix(".gz") {
        let bytes = read(flate2::read::MultiGzDecoder::new(Cursor::new(bytes))).map_err(corrupt)?;
        return documents(plain, bytes);
    }
    if let Some(plain) = name.strip_suffix(".zst") {
        let decoder = zstd::Decoder::new(Cursor::new(bytes)).map_err(corrupt)?;
        return documents(plain, read(decoder).map_err(corrupt)?);
    }
    if name.ends_with(".zip") {
        return unzip(name, bytes);
    }
    if name.ends_with(".ndjson") || name.ends_with(".jsonl") {
        let lines = bytes.split(|byte| *byte == b'\n').enumerate();
        let lines = lines.filter(|(_, line)| !line.trim_ascii().is_empty());
        return Ok(lines.map(|(number, line)| (format!("{name}:{}", number + 1), line.to_vec())).collect());
    }
    Ok(vec![(name.to_owned(), bytes)])
}

fn unzip(name: &str, bytes: Vec<u8>) -> Result<Vec<(String, Vec<u8>)>, String> {
    let corrupt = |_| "is not a zip archive that can be read".to_owned();
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(corrupt)?;
    let mut all = Vec::new();
    for number in 0..archive.len() {
        let entry = archive.by_index(number).map_err(corrupt)?;
        let inner = format!("{name}/{}", entry.name());
        if entry.is_file() && holds_resources(&inner) && !inner.ends_with(".zip") {
            let bytes = read(entry).map_err(|_| "holds an entry that cannot be read".to_owned())?;
            all.extend(documents(&inner, bytes)?);
        }
    }
    Ok(all)
}

fn read(reader: impl Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(LIMIT).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_compressed_files_are_documents() {
        let lines = documents("a.ndjson", b"{}\n\n{}\n".to_vec()).unwrap();
        assert_eq!(lines, [("a.ndjson:1".into(), b"{}".to_vec()), ("a.ndjson:3".into(), b"{}".to_vec())]);
        let packed = zstd::encode_all(&b"{}"[..], 1).unwrap();
        assert_eq!(documents("a.json.zst", packed).unwrap(), [("a.json".into(), b"{}".to_vec())]);
        assert!(documents("a.json.gz", b"{}".to_vec()).is_err());
        assert!(
            holds_resources("x.ndjson.gz") && !holds_resources("x.tar.gz") && !holds_resources("README.md")
        );
    }
}
