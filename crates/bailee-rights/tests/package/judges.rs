//! Others' programs open the packages: Python's `zipfile` and Info-ZIP's `unzip`. `tests/run` installs
//! them.

use std::{fs, path::Path, process::Command};

use bailee_registry::DataOrigin;
use bailee_rights::{
    package::stream,
    request::Right,
    source::{MemorySource, SourceFacts, Strategy, TableFacts, Value},
};

use crate::world::{self, World, field, row};

const CHECK: &str = "
import hashlib, json, sys, zipfile
package = zipfile.ZipFile(sys.argv[1])
assert package.testzip() is None
names = package.namelist()
assert len(names) == len(set(names))
manifest = json.loads(package.read('manifest.json'))
for source in manifest['sources']:
    for table in source['tables']:
        for form in ('jsonl', 'csv'):
            told = table[form]
            if told:
                data = package.read(told['path'])
                assert hashlib.sha256(data).hexdigest() == told['sha256'], told
                assert len(data) == told['bytes']
        if table['jsonl'] and len(names) < 1000:
            lines = package.read(table['jsonl']['path']).split(b'\\n')
            assert len(lines) - 1 == table['rows']
            for line in lines[:-1]:
                for value in json.loads(line).values():
                    if isinstance(value, dict) and 'file' in value:
                        data = package.read(value['file'])
                        assert hashlib.sha256(data).hexdigest() == value['sha256']
print(len(names))
";

/// How many entries they see.
fn judge(path: &Path) -> u64 {
    let run = |program: &mut Command| {
        let ran = program.arg(path).output().expect("a program that tests/run installs");
        assert!(ran.status.success(), "{ran:?}");
        assert!(ran.stderr.is_empty(), "{ran:?}");
        String::from_utf8(ran.stdout).unwrap()
    };
    run(Command::new("unzip").arg("-tq"));
    run(Command::new("python3").args(["-c", CHECK])).trim().parse().unwrap()
}

#[tokio::test]
async fn r4_other_programs_read_every_entry() {
    let world = World::new().await;
    let stored = world.package_of(Right::Access, &world::source(&world.ada)).await;
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("package.zip");
    fs::write(&path, world.bytes(&stored).await).unwrap();
    assert_eq!(judge(&path), stored.entries);
}

#[tokio::test]
async fn other_programs_read_more_entries_than_two_bytes_can_count() {
    let world = World::new().await;
    let table = TableFacts::new("t", "content", Strategy::Delete).with_field(field(
        "b",
        "content",
        DataOrigin::Provided,
    ));
    let source = MemorySource::new(SourceFacts::new("main", vec![table]), 10);
    for n in 0..65_540_u32 {
        source.insert(
            &world.ada,
            "t",
            row(n.to_string(), vec![Value::Bytes(n.to_le_bytes().to_vec())]),
        );
    }
    let mut order = world.order(Right::Access).without_csv();
    order.apart_from = 1;
    let segment = world.collect(&order, &source).await;
    assert_eq!(segment.entries, 65_541);
    let stored = world.close(&order, &[segment]).await;
    assert_eq!(stored.entries, 65_545);
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("package.zip");
    fs::write(&path, world.bytes(&stored).await).unwrap();
    assert_eq!(judge(&path), stored.entries);
}

/// Zeros as rows, and files behind them: 32 MiB, or as many as `BAILEE_PACKAGE_MIB` says. From 4096 on
/// sizes and offsets have eight bytes; that takes minutes.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "how large it is made is for whoever runs it to say")]
async fn other_programs_read_what_was_streamed_in_any_size() {
    let world = World::new().await;
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("package.zip");
    let rows = std::env::var("BAILEE_PACKAGE_MIB").map_or(32, |mib| mib.parse().unwrap());
    let source = crate::world::Zeros { facts: crate::world::zeros(), rows, length: 1 << 20 };
    let order = world.order(Right::Access).without_csv();
    let mut sink = crate::world::File(fs::File::create(&path).unwrap());
    let sources: [(&dyn bailee_rights::source::DataSource, _); 1] = [(&source, &world.ada)];
    let streamed = stream(&order, &world.closing(), &sources, &mut sink).await.unwrap();
    assert_eq!((streamed.rows, judge(&path)), (rows, streamed.entries));
}
