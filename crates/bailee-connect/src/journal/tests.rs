use std::{fs, path::Path};

use super::*;

fn writer(path: &Path, limit: u64) -> Writer {
    let instance = InstanceId::new("one").unwrap();
    let (file, standing) = JournalFile::open(path, &instance, limit).unwrap();
    let standing = standing.into_iter().map(|one| (one.id, one.payload)).collect();
    Writer { file, standing }
}

fn id(n: u32) -> Id {
    Id::derive(&[&n.to_be_bytes()])
}

#[test]
fn ref_07_a_journal_of_which_nothing_counts_is_empty() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("refresh.journal");
    let mut writer = writer(&path, LIMIT);
    for n in 0..3 {
        writer.answer(id(n), vec![1; 2000]).unwrap();
    }
    for n in 0..3 {
        assert!(fs::metadata(&path).unwrap().len() > file::HEADER as u64);
        writer.done(id(n)).unwrap();
        // Twice is as good as once.
        writer.done(id(n)).unwrap();
    }
    assert_eq!(fs::metadata(&path).unwrap().len(), file::HEADER as u64);
}

#[test]
fn ref_07_an_answer_that_waits_for_long_does_not_let_the_file_grow() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("refresh.journal");
    let mut first = writer(&path, LIMIT);
    first.answer(id(0), vec![7; 3000]).unwrap();
    for n in 1..200 {
        first.answer(id(n), vec![1; 20_000]).unwrap();
        first.done(id(n)).unwrap();
        assert!(fs::metadata(&path).unwrap().len() < COMPACT + 50_000);
    }
    drop(first);
    let again = writer(&path, LIMIT);
    assert_eq!(again.standing.into_iter().collect::<Vec<_>>(), [(id(0), vec![7; 3000])]);
}

#[test]
fn ref_07_a_full_file_is_written_anew_before_an_answer_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("refresh.journal");
    let mut writer = writer(&path, 10_000);
    writer.answer(id(0), vec![7; 3000]).unwrap();
    for n in 1..20 {
        writer.answer(id(n), vec![1; 3000]).unwrap();
        writer.done(id(n)).unwrap();
    }
    writer.answer(id(20), vec![1; 3000]).unwrap();
    writer.answer(id(21), vec![1; 3000]).unwrap();
    assert!(matches!(writer.answer(id(22), vec![1; 3000]), Err(Fault::Full)));
    assert_eq!(writer.standing.len(), 3);
}
