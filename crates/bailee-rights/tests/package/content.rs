//! What is in a package.

use bailee_core::sha256;
use bailee_registry::DataOrigin;
use bailee_rights::{
    package::stream,
    request::Right,
    source::{DataSource, MemorySource, SourceFacts, Strategy, TableFacts, Value},
};
use serde_json::json;

use crate::{
    archive::Archive,
    world::{self, CANARY, OTHERS, World, field, row, text},
};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn r1_every_row_is_there_once_with_its_values_as_they_are() {
    let world = World::new().await;
    let stored = world.package_of(Right::Access, &world::source(&world.ada)).await;
    let archive = Archive::read(&world.bytes(&stored).await);
    assert_eq!(archive.names.len() as u64, stored.entries);
    assert_eq!(archive.names[0], "index.html", "what a person opens stands first");

    let posts = archive.lines("data/acme/main/posts.jsonl");
    let picture = "data/acme/main/posts.files/1-picture.png";
    assert_eq!(
        posts,
        [
            json!({
                "title": format!("{CANARY} one"),
                "body": "a\nb \"c\" \u{1f600} \0 é",
                "picture": {
                    "file": picture,
                    "bytes": 20_008,
                    "sha256": hex(&sha256(archive.file(picture))),
                },
                "extra": {"z": [1, 2.50], "a": "x"},
                "score": 0.25,
            }),
            json!({
                "title": "=cmd|' /C calc'!A0",
                "body": null,
                "picture": {"base64": "AAEC"},
                "extra": null,
                "score": -7,
            }),
        ]
    );
    assert!(
        archive.text("data/acme/main/posts.jsonl").contains(r#""extra":{"z":[1,2.50],"a":"x"}"#)
    );
    assert_eq!(archive.lines("data/acme/main/visits.jsonl").len(), 1);
    assert!(archive.file("data/acme/main/drafts.jsonl").is_empty(), "nothing has its file");
}

#[tokio::test]
async fn a_spreadsheet_runs_nothing_of_it() {
    let world = World::new().await;
    let stored = world.package_of(Right::Access, &world::source(&world.ada)).await;
    let archive = Archive::read(&world.bytes(&stored).await);
    let csv = archive.text("data/acme/main/posts.csv");
    assert!(csv.starts_with("\u{feff}title,body,picture,extra,score\r\n"), "{csv}");
    assert!(csv.contains("\r\n\"'=cmd|' /C calc'!A0\",,AAEC,,-7\r\n"), "{csv}");
    assert!(csv.contains("\"a\nb \"\"c\"\" \u{1f600} \0 é\""), "{csv}");
    assert!(csv.contains("data/acme/main/posts.files/1-picture.png"), "{csv}");
}

#[tokio::test]
async fn what_is_another_persons_is_masked_even_where_its_source_forgot_to() {
    let world = World::new().await;
    let stored = world.package_of(Right::Access, &world::source(&world.ada)).await;
    let bytes = world.bytes(&stored).await;
    let archive = Archive::read(&bytes);
    for (path, file) in archive.files() {
        let shown = file.windows(OTHERS.len()).any(|window| window == OTHERS.as_bytes());
        assert!(!shown, "{path}");
    }
    let messages = archive.lines("data/acme/main/messages.jsonl");
    assert_eq!(messages, [json!({"text": "hello", "to": {"masked": true}})]);
    assert!(archive.text("data/acme/main/messages.csv").contains("hello,[masked]\r\n"));
    assert!(archive.text("index.html").contains("belongs to somebody else"));
}

#[tokio::test]
async fn r4_the_manifest_says_what_is_there_and_how_to_check_it() {
    let world = World::new().await;
    let stored = world.package_of(Right::Access, &world::source(&world.ada)).await;
    let archive = Archive::read(&world.bytes(&stored).await);
    let manifest = archive.manifest();
    assert_eq!(manifest["schema"], "bailee.package");
    assert_eq!(manifest["right"], "access");
    assert_eq!(manifest["regime"], "eu");
    assert_eq!(manifest["tenants"], json!(["acme"]));
    assert_eq!(manifest["declaration"], hex(&world.declaration.version()));
    let source = &manifest["sources"][0];
    assert_eq!((&source["status"], &source["rows"]), (&json!("collected"), &json!(4)));
    let tables = source["tables"].as_array().unwrap();
    let rows: Vec<_> = tables.iter().map(|table| (&table["table"], &table["rows"])).collect();
    assert_eq!(
        json!(rows),
        json!([["posts", 2], ["messages", 1], ["visits", 1], ["drafts", 0]]),
        "a table with nothing in it is named"
    );
    for table in tables {
        for form in ["jsonl", "csv"] {
            let file = archive.file(table[form]["path"].as_str().unwrap());
            assert_eq!(table[form]["sha256"], hex(&sha256(file)));
            assert_eq!(table[form]["bytes"], file.len());
        }
    }
    let to = &tables[1]["fields"][1];
    assert_eq!(to["category"], "contacts");
    assert_eq!(to["origin"], "provided");
    assert_eq!(to["meaning"], "whom you write to");
    assert_eq!(to["masked"], true);
}

#[tokio::test]
async fn the_information_of_the_controller_is_in_it_and_no_markup_of_anybody() {
    let world = World::new().await;
    let stored = world.package_of(Right::Access, &world::source(&world.ada)).await;
    let archive = Archive::read(&world.bytes(&stored).await);
    assert_eq!(archive.text("information.html"), world.information.to_html());
    assert_eq!(archive.text("information.md"), world.information.to_markdown());
    let page = archive.text("index.html");
    assert!(page.contains("Your data at Example &amp; Söhne &lt;Ltd&gt;"), "{page}");
    assert!(page.contains("href=\"data/acme/main/posts.jsonl\""), "{page}");
    assert!(page.contains("supervisory authority"), "{page}");
    assert!(!page.contains("<script") && !page.contains("{count}"), "{page}");
}

#[tokio::test]
async fn several_tenants_go_into_one_package_under_their_own_keys() {
    let world = World::new().await;
    let order = world.order(Right::Access);
    let elsewhere = world::source(&world.ada_at_globex);
    let segments = [
        world.collect(&order, &world::source(&world.ada)).await,
        world.collect_of(&order, &elsewhere, &world.ada_at_globex, bailee_store::Fence(3)).await,
    ];
    let stored = world.close(&order, &segments).await;
    let archive = Archive::read(&world.bytes(&stored).await);
    for tenant in ["acme", "globex"] {
        assert_eq!(archive.lines(&format!("data/{tenant}/main/posts.jsonl")).len(), 2);
        assert!(archive.text("index.html").contains(&format!("In {tenant}")));
    }
    assert_eq!(archive.manifest()["tenants"], json!(["acme", "globex"]));

    let twice = [segments[0].clone(), segments[0].clone()];
    let closing = world.closing();
    let closed = world.packages.close(&order, &closing, &twice, bailee_store::Fence(9));
    assert!(closed.await.is_err(), "one source stands once");
}

#[tokio::test]
async fn r1_a_person_of_whom_nothing_is_known_gets_a_package_that_says_so() {
    let world = World::new().await;
    let stored = world.package_of(Right::Access, &MemorySource::new(world::facts(), 1)).await;
    let archive = Archive::read(&world.bytes(&stored).await);
    assert_eq!(archive.manifest()["sources"][0]["status"], "empty");
    assert!(archive.text("index.html").contains("found nothing of you"));

    let order = world.order(Right::Access);
    let stored = world.close(&order, &[]).await;
    assert_eq!(Archive::read(&world.bytes(&stored).await).names.len(), 4);
}

#[tokio::test]
async fn no_name_of_a_host_leads_out_of_the_package() {
    let world = World::new().await;
    let hostile =
        ["../../etc/passwd", "/abs", "C:\\x", "con", "a\nb", "a\"b", "", "\u{1f600}", "Up", "up"];
    let table = |name: &&str| {
        TableFacts::new(*name, "content", Strategy::Delete)
            .with_field(field("../x\"\n", "content", DataOrigin::Provided))
            .with_field(field("bytes/..", "content", DataOrigin::Provided))
    };
    let facts = SourceFacts::new("../source", hostile.iter().map(table).collect());
    let source = MemorySource::new(facts, 10);
    for name in hostile {
        let values = vec![text("x"), Value::Bytes(vec![1; 40_000])];
        source.insert(&world.ada, name, row("k", values));
    }
    let stored = world.package_of(Right::Access, &source).await;
    let archive = Archive::read(&world.bytes(&stored).await);
    let mut folded: Vec<_> = archive.names.iter().map(|name| name.to_ascii_lowercase()).collect();
    folded.sort();
    folded.dedup();
    assert_eq!(folded.len(), archive.names.len(), "no two differ by their case alone");
    for name in &archive.names {
        let good = |part: &str| {
            !matches!(part, "" | "." | ".." | "con")
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        assert!(name.split('/').all(good), "{name:?}");
    }
    let manifest = archive.manifest();
    for table in manifest["sources"][0]["tables"].as_array().unwrap() {
        let lines = archive.lines(table["jsonl"]["path"].as_str().unwrap());
        assert_eq!(lines[0]["../x\"\n"], "x");
        let file = lines[0]["bytes/.."]["file"].as_str().unwrap();
        assert_eq!(archive.file(file), [1; 40_000]);
    }
}

#[tokio::test]
async fn a_stream_is_the_same_package_without_a_spool() {
    let world = World::new().await;
    let source = world::source(&world.ada);
    let elsewhere = world::source(&world.ada_at_globex);
    let order = world.order(Right::Access);
    let segments = [
        world.collect(&order, &source).await,
        world.collect_of(&order, &elsewhere, &world.ada_at_globex, bailee_store::Fence(3)).await,
    ];
    let stored = world.close(&order, &segments).await;
    let mut bytes = Vec::new();
    let sources: [(&dyn DataSource, _); 2] =
        [(&source, &world.ada), (&elsewhere, &world.ada_at_globex)];
    let streamed = stream(&order, &world.closing(), &sources, &mut bytes).await.unwrap();
    // The directory names the files in another order: a stream knows one strand after the other.
    let whole = world.bytes(&stored).await;
    let (one, two) = (Archive::read(&bytes), Archive::read(&whole));
    assert!(one.files().eq(two.files()));
    assert_eq!(bytes.len(), whole.len());
    assert_eq!((streamed.entries, streamed.rows), (stored.entries, 8));
    let broken = stream(&order, &world.closing(), &sources, &mut world::Breaks(100)).await;
    assert!(broken.is_err());
}
