//! A reader of ZIP files that shares nothing with what writes them but the format's specification.

use std::{collections::BTreeMap, io::Read};

use flate2::read::DeflateDecoder;

/// The files of an archive, by their names, in the order of the directory.
pub(crate) struct Archive {
    pub(crate) names: Vec<String>,
    files: BTreeMap<String, Vec<u8>>,
}

impl Archive {
    /// Reads an archive by its directory and compares each entry with its own header, its sizes behind
    /// it, and its checksum.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let end = bytes.len() - 22;
        assert_eq!(u32_at(bytes, end), 0x0605_4b50, "the end of the directory");
        let (mut count, mut at) =
            (u64::from(u16_at(bytes, end + 10)), u64::from(u32_at(bytes, end + 16)));
        if count == 0xffff || at == 0xffff_ffff {
            let locator = end - 20;
            assert_eq!(u32_at(bytes, locator), 0x0706_4b50);
            let long = u64_at(bytes, locator + 8) as usize;
            assert_eq!(u32_at(bytes, long), 0x0606_4b50);
            (count, at) = (u64_at(bytes, long + 32), u64_at(bytes, long + 48));
        }
        let mut archive = Self { names: Vec::new(), files: BTreeMap::new() };
        let (mut at, mut covered) = (at as usize, Vec::new());
        let directory = at;
        for _ in 0..count {
            assert_eq!(u32_at(bytes, at), 0x0201_4b50, "an entry of the directory");
            let (flags, method) = (u16_at(bytes, at + 8), u16_at(bytes, at + 10));
            let (crc, packed) = (u32_at(bytes, at + 16), u32_at(bytes, at + 20) as usize);
            let plain = u32_at(bytes, at + 24) as usize;
            let (name, extra) = (u16_at(bytes, at + 28) as usize, u16_at(bytes, at + 30) as usize);
            let offset = u32_at(bytes, at + 42) as usize;
            let path = std::str::from_utf8(&bytes[at + 46..at + 46 + name]).unwrap().to_owned();
            at += 46 + name + extra;

            assert_eq!(u32_at(bytes, offset), 0x0403_4b50, "the header of {path}");
            assert_eq!(u16_at(bytes, offset + 6), flags);
            assert_eq!(u16_at(bytes, offset + 8), method);
            let begins = offset + 30 + u16_at(bytes, offset + 26) as usize;
            assert_eq!(&bytes[offset + 30..begins], path.as_bytes());
            let data = &bytes[begins..begins + packed];
            let mut out = Vec::new();
            match method {
                0 => out.extend_from_slice(data),
                8 => {
                    DeflateDecoder::new(data).read_to_end(&mut out).unwrap();
                }
                other => panic!("method {other}"),
            }
            assert_eq!(out.len(), plain, "{path}");
            assert_eq!(crc32fast::hash(&out), crc, "{path}");
            let mut ends = begins + packed;
            if flags & 8 != 0 {
                assert_eq!(u32_at(bytes, ends), 0x0807_4b50);
                assert_eq!(u32_at(bytes, ends + 4), crc);
                assert_eq!(u32_at(bytes, ends + 8) as usize, packed);
                assert_eq!(u32_at(bytes, ends + 12) as usize, plain);
                ends += 16;
            }
            covered.push((offset, ends));
            archive.names.push(path.clone());
            assert!(archive.files.insert(path, out).is_none(), "a name stands twice");
        }
        covered.sort_unstable();
        let gaps = covered.windows(2).filter(|pair| pair[0].1 != pair[1].0).count();
        assert_eq!((covered[0].0, gaps), (0, 0), "every byte belongs to an entry");
        assert_eq!(covered[covered.len() - 1].1, directory);
        archive
    }

    pub(crate) fn file(&self, path: &str) -> &[u8] {
        self.files.get(path).unwrap_or_else(|| panic!("{path} is not in {:?}", self.names))
    }

    pub(crate) fn text(&self, path: &str) -> &str {
        std::str::from_utf8(self.file(path)).unwrap()
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
    }

    /// The lines of a file of JSON Lines.
    pub(crate) fn lines(&self, path: &str) -> Vec<serde_json::Value> {
        self.text(path).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub(crate) fn manifest(&self) -> serde_json::Value {
        serde_json::from_slice(self.file("manifest.json")).unwrap()
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap())
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}
