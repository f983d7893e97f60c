//! Others' programs open the packages: Python's `zipfile` and Info-ZIP's `unzip`, where they are.

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
fn judge(path: &Path) -> Option<u64> {
    let python = Command::new("python3").args(["-c", CHECK]).arg(path).output().ok()?;
    assert!(python.status.success(), "{}", String::from_utf8_lossy(&python.stderr));
    if let Ok(unzip) = Command::new("unzip").arg("-tq").arg(path).output() {
        assert!(unzip.status.success(), "{}", String::from_utf8_lossy(&unzip.stdout));
        assert!(unzip.stderr.is_empty(), "{}", String::from_utf8_lossy(&unzip.stderr));
    }
    Some(String::from_utf8(python.stdout).unwrap().trim().parse().unwrap())
}

#[tokio::test]
async fn r4_other_programs_read_every_entry() {
    let world = World::new().await;
    let stored = world.package_of(Right::Access, &world::source(&world.ada)).await;
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("package.zip");
    fs::write(&path, world.bytes(&stored).await).unwrap();
    if let Some(seen) = judge(&path) {
        assert_eq!(seen, stored.entries);
    }
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
    if let Some(seen) = judge(&path) {
        assert_eq!(seen, stored.entries);
    }
}

/// Five gibibytes of zeros as rows, and files behind them: sizes and offsets of eight bytes.
#[tokio::test]
#[ignore = "takes minutes and a gibibyte of disk"]
async fn other_programs_read_sizes_that_four_bytes_cannot_hold() {
    let world = World::new().await;
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("package.zip");
    let source =
        crate::world::Zeros { facts: crate::world::zeros(), rows: 5 * 1024, length: 1 << 20 };
    let order = world.order(Right::Access).without_csv();
    let mut sink = crate::world::File(fs::File::create(&path).unwrap());
    let sources: [(&dyn bailee_rights::source::DataSource, _); 1] = [(&source, &world.ada)];
    let streamed = stream(&order, &world.closing(), &sources, &mut sink).await.unwrap();
    if let Some(seen) = judge(&path) {
        assert_eq!(seen, streamed.entries);
    }
}
