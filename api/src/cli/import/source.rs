//! Which files are read, and the JSON documents in them, decompressed and one after the other.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Most bytes of one document, decompressed: a Bundle, a resource, or a line of NDJSON.
const LIMIT: u64 = 1 << 30;

/// Takes what a file holds.
pub(crate) trait Sink {
    /// A document, with a name to report it by.
    fn document(&mut self, name: &str, bytes: &[u8]);

    /// The file, or a file in it, cannot be read any further.
    fn broken(&mut self, name: &str, sentence: &str);
}

/// The files below some paths.
#[derive(Debug, Default)]
pub(crate) struct Files {
    /// Those to read, in order.
    pub(crate) named: Vec<PathBuf>,
    /// How many were passed over because their names do not say that they hold resources.
    pub(crate) passed_over: usize,
}

impl Files {
    /// The files below `paths`. One that is named itself is read whatever its name.
    ///
    /// Errors: a path that does not exist or cannot be listed.
    pub(crate) fn below(paths: &[PathBuf]) -> Result<Files, String> {
        let mut files = Files::default();
        for path in paths {
            if path.is_dir() {
                files.folder(path)?;
            } else if path.is_file() {
                files.named.push(path.clone());
            } else {
                return Err(format!("There is no file or folder {}.", path.display()));
            }
        }
        Ok(files)
    }

    fn folder(&mut self, folder: &Path) -> Result<(), String> {
        let failed = |error| format!("The folder {} cannot be read: {error}.", folder.display());
        let entries: Result<Vec<_>, _> = std::fs::read_dir(folder).map_err(failed)?.collect();
        let mut entries: Vec<PathBuf> =
            entries.map_err(failed)?.iter().map(std::fs::DirEntry::path).collect();
        entries.sort();
        for entry in entries {
            if entry.is_dir() {
                self.folder(&entry)?;
            } else if holds_resources(&entry.to_string_lossy()) {
                self.named.push(entry);
            } else {
                self.passed_over += 1;
            }
        }
        Ok(())
    }
}

fn holds_resources(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let plain = name.strip_suffix(".gz").or(name.strip_suffix(".zst")).unwrap_or(&name);
    [".json", ".ndjson", ".jsonl"].iter().any(|ending| plain.ends_with(ending)) || name.ends_with(".zip")
}

/// Reads the file at `path`, called `name`, and gives its documents to `sink`. What can be read before a fault is given.
/// `count` wraps the file to count what is read.
pub(crate) fn read<R: Read>(name: &str, path: &Path, count: impl Fn(File) -> R, sink: &mut dyn Sink) {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) => return sink.broken(name, &format!("cannot be read: {error}")),
    };
    let ending = name.to_ascii_lowercase();
    if ending.ends_with(".zip") {
        unzip(name, file, sink);
    } else if let Some(plain) = ending.strip_suffix(".gz") {
        let plain = name.get(..plain.len()).unwrap_or(name);
        documents(plain, BufReader::new(flate2::read::MultiGzDecoder::new(count(file))), sink);
    } else if let Some(plain) = ending.strip_suffix(".zst") {
        let plain = name.get(..plain.len()).unwrap_or(name);
        match zstd::Decoder::new(count(file)) {
            Ok(decoder) => documents(plain, BufReader::new(decoder), sink),
            Err(_) => sink.broken(name, NOT_COMPRESSED),
        }
    } else {
        documents(name, BufReader::new(count(file)), sink);
    }
}

const NOT_COMPRESSED: &str = "is not compressed as its name says, or breaks off";

/// The documents in a file that is decompressed already.
fn documents(name: &str, mut reader: impl BufRead, sink: &mut dyn Sink) {
    let ending = name.to_ascii_lowercase();
    let lines = ending.ends_with(".ndjson") || ending.ends_with(".jsonl");
    if !lines && !ending.ends_with(".json") {
        return sink.broken(
            name,
            "has none of the endings .json, .ndjson, .jsonl, these with .gz or .zst, and .zip",
        );
    }
    let mut document = Vec::new();
    for number in 1_u64.. {
        document.clear();
        let mut limited = reader.by_ref().take(LIMIT + 1);
        let read =
            if lines { limited.read_until(b'\n', &mut document) } else { limited.read_to_end(&mut document) };
        match read {
            Err(_) => {
                return sink.broken(name, &format!("{NOT_COMPRESSED} (after {} documents)", number - 1));
            }
            Ok(length) if length as u64 > LIMIT => {
                return sink.broken(name, &format!("holds a document of more than {LIMIT} bytes"));
            }
            Ok(0) if lines => return,
            Ok(_) if !lines => return sink.document(name, &document),
            Ok(_) if document.trim_ascii().is_empty() => {}
            Ok(_) => sink.document(&format!("{name}:{number}"), &document),
        }
    }
}

fn unzip(name: &str, file: File, sink: &mut dyn Sink) {
    let Ok(mut archive) = zip::ZipArchive::new(BufReader::new(file)) else {
        return sink.broken(name, "is not a zip archive, or breaks off");
    };
    for number in 0..archive.len() {
        let Ok(entry) = archive.by_index(number) else {
            sink.broken(name, &format!("holds an entry (number {number}) that cannot be read"));
            continue;
        };
        let inner = format!("{name}/{}", entry.name());
        let ending = inner.to_ascii_lowercase();
        if !entry.is_file() || !holds_resources(&inner) {
            continue;
        }
        if ending.ends_with(".zip") {
            sink.broken(&inner, "is an archive in an archive; unpack it first");
        } else if let Some(plain) = ending.strip_suffix(".gz") {
            let plain = inner.get(..plain.len()).unwrap_or(&inner);
            documents(plain, BufReader::new(flate2::read::MultiGzDecoder::new(entry)), sink);
        } else if let Some(plain) = ending.strip_suffix(".zst") {
            let plain = inner.get(..plain.len()).unwrap_or(&inner);
            match zstd::Decoder::new(entry) {
                Ok(decoder) => documents(plain, BufReader::new(decoder), sink),
                Err(_) => sink.broken(&inner, NOT_COMPRESSED),
            }
        } else {
            documents(&inner, BufReader::new(entry), sink);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[derive(Default)]
    struct Taken(Vec<(String, String)>, Vec<String>);

    impl Sink for Taken {
        fn document(&mut self, name: &str, bytes: &[u8]) {
            let short = name.rsplit_once("in/").map_or(name, |(_, short)| short);
            self.0.push((short.to_owned(), String::from_utf8_lossy(bytes).trim().to_owned()));
        }

        fn broken(&mut self, _name: &str, sentence: &str) {
            self.1.push(sentence.to_owned());
        }
    }

    /// What a file called `name` with these bytes gives.
    fn taken(name: &str, bytes: &[u8]) -> Taken {
        let folder = std::env::temp_dir().join(uuid::Uuid::now_v7().to_string()).join("in");
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join(name);
        std::fs::write(&path, bytes).unwrap();
        let mut taken = Taken::default();
        read(&path.to_string_lossy(), &path, |file| file, &mut taken);
        std::fs::remove_dir_all(folder).unwrap();
        taken
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn named(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn lines_and_compressed_files_are_documents() {
        assert_eq!(taken("a.ndjson", b"{}\n\n{1}").0, named(&[("a.ndjson:1", "{}"), ("a.ndjson:3", "{1}")]));
        assert_eq!(taken("a.JSON.gz", &gzip(b"{}")).0, named(&[("a.JSON", "{}")]));
        let packed = zstd::encode_all(&b"{}\n{}\n"[..], 1).unwrap();
        assert_eq!(taken("a.jsonl.zst", &packed).0, named(&[("a.jsonl:1", "{}"), ("a.jsonl:2", "{}")]));
    }

    #[test]
    fn the_files_of_an_archive_are_documents() {
        let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default();
        for (name, bytes) in
            [("a.json", b"{}".to_vec()), ("b/c.ndjson.gz", gzip(b"{}\n")), ("README.md", b"x".to_vec())]
        {
            archive.start_file(name, options).unwrap();
            archive.write_all(&bytes).unwrap();
        }
        let bytes = archive.finish().unwrap().into_inner();
        let found = taken("x.zip", &bytes);
        assert_eq!(found.0, named(&[("x.zip/a.json", "{}"), ("x.zip/b/c.ndjson:1", "{}")]));
        assert!(found.1.is_empty());
        assert_eq!(taken("x.zip", &bytes[..bytes.len() / 2]).1.len(), 1);
    }

    #[test]
    fn what_breaks_off_is_told_and_what_came_before_is_kept() {
        let lines: String = (0..20_000).map(|number| format!("{{\"n\":{number}}}\n")).collect();
        let packed = gzip(lines.as_bytes());
        let found = taken("a.ndjson.gz", &packed[..packed.len() / 2]);
        assert!(found.0.len() > 100 && found.1.len() == 1, "{:?}", found.1);
        assert!(found.1[0].contains("breaks off"));
        for (name, bytes) in
            [("a.json.gz", &b"{}"[..]), ("a.json.zst", b"{}"), ("a.zip", b"{}"), ("a.xml", b"<x/>")]
        {
            let found = taken(name, bytes);
            assert!(found.0.is_empty() && found.1.len() == 1, "{name}");
        }
    }

    #[test]
    fn names_say_what_a_file_holds() {
        assert!(holds_resources("x.ndjson.gz") && holds_resources("X.JSON") && holds_resources("a.zip"));
        assert!(!holds_resources("x.tar.gz") && !holds_resources("README.md") && !holds_resources("a.xml"));
    }
}
