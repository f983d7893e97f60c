use std::fs;

use super::*;

const LIMIT: u64 = 1024 * 1024;

fn instance() -> InstanceId {
    InstanceId::new("one").unwrap()
}

fn id(n: u8) -> Id {
    Id::from_bytes([n; 16])
}

fn standing(n: u8, payload: &[u8]) -> Standing {
    Standing { id: id(n), payload: payload.to_vec() }
}

fn open(path: &Path) -> Result<(JournalFile, Vec<Standing>), Fault> {
    JournalFile::open(path, &instance(), LIMIT)
}

/// A folder with a journal that holds two answers, of which the second is done, and a third.
fn three() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("refresh.journal");
    let (mut file, none) = open(&path).unwrap();
    assert_eq!(none, []);
    file.append(Mark::Answer, id(1), b"first").unwrap();
    file.append(Mark::Answer, id(2), b"second").unwrap();
    file.append(Mark::Done, id(2), b"").unwrap();
    file.append(Mark::Answer, id(3), b"third").unwrap();
    (folder, path)
}

#[test]
fn ref_07_what_is_not_done_stands_when_the_file_is_opened_again() {
    let (_folder, path) = three();
    for _ in 0..2 {
        let (file, found) = open(&path).unwrap();
        assert_eq!(found, [standing(1, b"first"), standing(3, b"third")]);
        assert_eq!(file.length(), fs::metadata(&path).unwrap().len());
    }
}

#[test]
fn ref_07_a_tail_that_is_torn_at_any_byte_takes_nothing_else_with_it() {
    let (_folder, path) = three();
    let whole = fs::read(&path).unwrap();
    let frames = [46, 47, 41, 46];
    assert_eq!(HEADER + frames.iter().sum::<usize>(), whole.len());
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let (mut file, found) = open(&path).unwrap();
        let mut end = HEADER;
        let whole_frames = frames.iter().take_while(|frame| {
            end += *frame;
            end <= length
        });
        let expected = match whole_frames.count() {
            0 => vec![],
            2 => vec![standing(1, b"first"), standing(2, b"second")],
            _ => vec![standing(1, b"first")],
        };
        assert_eq!(found, expected, "cut at {length}");
        // What is added then is found again, wherever the file was cut.
        file.append(Mark::Answer, id(9), b"later").unwrap();
        drop(file);
        let (_, found) = open(&path).unwrap();
        assert_eq!(found.last(), Some(&standing(9, b"later")), "cut at {length}");
        assert_eq!(found.len(), expected.len() + 1, "cut at {length}");
    }
}

#[test]
fn ref_07_a_tail_of_zeros_or_of_rubbish_is_ignored() {
    let (_folder, path) = three();
    let whole = fs::read(&path).unwrap();
    for tail in [vec![0; 4096], MARK.to_vec(), vec![0xff; 77], MARK.repeat(50)] {
        fs::write(&path, [whole.clone(), tail].concat()).unwrap();
        let (file, found) = open(&path).unwrap();
        assert_eq!(found, [standing(1, b"first"), standing(3, b"third")]);
        assert_eq!(file.length(), whole.len() as u64);
        assert_eq!(fs::metadata(&path).unwrap().len(), whole.len() as u64, "it is cut off");
    }
}

#[test]
fn ref_07_a_byte_that_changed_costs_its_frame_and_no_other() {
    let (_folder, path) = three();
    let whole = fs::read(&path).unwrap();
    for at in HEADER..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        fs::write(&path, bytes).unwrap();
        let (_, found) = open(&path).unwrap();
        let expected = match at - HEADER {
            0..46 => vec![standing(3, b"third")],
            46..93 => vec![standing(1, b"first"), standing(3, b"third")],
            93..134 => {
                vec![standing(1, b"first"), standing(2, b"second"), standing(3, b"third")]
            }
            _ => vec![standing(1, b"first")],
        };
        assert_eq!(found, expected, "byte {at}");
    }
}

#[test]
fn ref_07_what_is_no_journal_is_left_as_it_is() {
    let (_folder, path) = three();
    let whole = fs::read(&path).unwrap();
    let mut newer = whole.clone();
    newer[MAGIC.len()] = VERSION + 1;
    for bytes in [b"{}".to_vec(), b"SQLite format 3\0".repeat(9), newer] {
        fs::write(&path, &bytes).unwrap();
        assert!(matches!(open(&path).unwrap_err(), Fault::NotAJournal));
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
}

#[test]
fn ref_07_ref_15_the_journal_of_another_instance_is_left_as_it_is() {
    let (_folder, path) = three();
    let whole = fs::read(&path).unwrap();
    let other = InstanceId::new("two").unwrap();
    assert!(matches!(JournalFile::open(&path, &other, LIMIT).unwrap_err(), Fault::OtherInstance));
    assert_eq!(fs::read(&path).unwrap(), whole);
}

#[test]
fn ref_07_two_at_once_cannot_have_one_file() {
    let (_folder, path) = three();
    let (mut first, _) = open(&path).unwrap();
    assert!(matches!(open(&path).unwrap_err(), Fault::InUse));
    // The lock is not on the file that is replaced.
    first.rewrite([(id(1), b"first".as_slice())].into_iter()).unwrap();
    assert!(matches!(open(&path).unwrap_err(), Fault::InUse));
    drop(first);
    assert_eq!(open(&path).unwrap().1, [standing(1, b"first")]);
}

#[test]
fn ref_07_a_file_that_is_written_anew_goes_on() {
    let (_folder, path) = three();
    let (mut file, found) = open(&path).unwrap();
    // What a process left that died while it did this.
    fs::write(with_suffix(&path, ".new"), [7; 10_000]).unwrap();
    let kept = found.iter().map(|one| (one.id, one.payload.as_slice()));
    file.rewrite(kept).unwrap();
    file.append(Mark::Answer, id(4), b"fourth").unwrap();
    file.append(Mark::Done, id(1), b"").unwrap();
    drop(file);
    let (mut file, found) = open(&path).unwrap();
    assert_eq!(found, [standing(3, b"third"), standing(4, b"fourth")]);
    file.clear().unwrap();
    assert_eq!(fs::read(&path).unwrap(), header_of(&instance()));
    file.append(Mark::Answer, id(5), b"fifth").unwrap();
    drop(file);
    assert_eq!(open(&path).unwrap().1, [standing(5, b"fifth")]);
}

#[test]
fn ref_07_a_full_journal_says_so_and_keeps_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("refresh.journal");
    let (mut file, _) = JournalFile::open(&path, &instance(), 200).unwrap();
    file.append(Mark::Answer, id(1), &[1; 100]).unwrap();
    let full = file.append(Mark::Answer, id(2), &[2; 100]).unwrap_err();
    assert!(matches!(full, Fault::Full));
    assert_eq!(Error::from(full).kind(), ErrorKind::StoreUnavailable);
    // What is done may always be said.
    file.append(Mark::Done, id(1), b"").unwrap();
    drop(file);
    assert_eq!(open(&path).unwrap().1, []);
}

#[cfg(target_os = "linux")]
#[test]
fn ref_07_a_disk_that_is_full_fails_the_answer_and_not_the_journal() {
    let (_folder, path) = three();
    let (mut file, _) = open(&path).unwrap();
    let length = file.length();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let disk = std::mem::replace(&mut file.file, full);
    let refused = file.append(Mark::Answer, id(8), b"lost").unwrap_err();
    assert!(matches!(refused, Fault::File(io::ErrorKind::StorageFull)), "{refused:?}");
    assert_eq!(file.length(), length);
    file.file = disk;
    file.append(Mark::Answer, id(9), b"later").unwrap();
    drop(file);
    let later = [standing(1, b"first"), standing(3, b"third"), standing(9, b"later")];
    assert_eq!(open(&path).unwrap().1, later);
}

#[cfg(unix)]
#[test]
fn ref_07_file_and_folder_are_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep").join("refresh.journal");
    let (file, _) = open(&path).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&with_suffix(&path, ".lock")), 0o600);
    assert_eq!(mode(folder_of(&path)), 0o700);
    drop(file);
    // A file that was copied here for all to read.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    drop(open(&path).unwrap());
    assert_eq!(mode(&path), 0o600);
    for open_to in [0o722, 0o777, 0o1777, 0o720] {
        fs::set_permissions(folder_of(&path), fs::Permissions::from_mode(open_to)).unwrap();
        assert!(matches!(open(&path).unwrap_err(), Fault::FolderOpen), "{open_to:o}");
    }
}

#[cfg(unix)]
#[test]
fn ref_07_a_path_that_is_no_file_is_refused() {
    let (folder, path) = three();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert!(matches!(open(&link).unwrap_err(), Fault::NotAFile));
    let inner = folder.path().join("folder");
    fs::create_dir(&inner).unwrap();
    assert!(matches!(open(&inner).unwrap_err(), Fault::NotAFile));
    assert!(matches!(open(Path::new("/")).unwrap_err(), Fault::NotAFile));
}
