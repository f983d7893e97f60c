//! Files of people in an object store: found, shown, erased.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]

use std::{
    fmt, fs,
    num::NonZeroUsize,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use bailee_core::{DataCategory, ErrorKind, HostId, Id, Result, SubjectId, TenantId};
use bailee_registry::DataOrigin;
use bailee_rights::source::{
    DataSource, Gathered, RowSink, SourceRow, TableFacts, Value, Whose,
    conformance::{self, Fixture},
};
use bailee_sources::{ObjectSource, People};
use futures_util::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt as _, PutMultipartOptions, PutOptions, PutPayload, PutResult,
    local::LocalFileSystem, memory::InMemory, path::Path as At,
};
use tempfile::TempDir;

/// A folder as a store: its files can be as old as a test says.
struct Uploads(TempDir);

fn whose(tenant: &str, person: &str) -> Whose {
    let subject = SubjectId::from_id(Id::derive(&[tenant.as_bytes(), person.as_bytes()]));
    Whose::new(TenantId::new(tenant).unwrap(), HostId::text(person), subject)
}

fn over(store: Arc<dyn ObjectStore>) -> ObjectSource {
    let content = ("content".to_owned(), DataCategory::new("content"), DataOrigin::Provided);
    ObjectSource::new(store, "uploads", "uploads/{tenant}/{person}/", People::Text, content)
        .unwrap()
}

impl Uploads {
    fn source(&self) -> ObjectSource {
        let store = LocalFileSystem::new_with_prefix(self.0.path()).unwrap();
        over(Arc::new(store)).in_steps_of(NonZeroUsize::new(2).unwrap())
    }
}

fn write(folder: &Path, name: &str, content: &[u8], seconds: i64) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, content).unwrap();
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.unsigned_abs());
    fs::File::options().write(true).open(&path).unwrap().set_modified(at).unwrap();
}

async fn filled() -> Uploads {
    let uploads = Uploads(tempfile::tempdir().unwrap());
    let age = Uploads::AGE.as_seconds();
    for (tenant, person) in [("acme", "ada"), ("acme", "ben"), ("other", "ada"), ("acme", "ada2")] {
        let folder = uploads.0.path().join("uploads").join(tenant).join(person);
        let canary = format!("canary-{person} of {tenant}");
        write(&folder, &format!("canary-{person}.txt"), canary.as_bytes(), age - 1);
        write(&folder, "deep/er/old.txt", canary.as_bytes(), age - 100);
        write(&folder, "young.txt", canary.as_bytes(), age);
        write(&folder, "empty", b"", age + 1);
        write(&folder, "large", &vec![7; 9 * 1024 * 1024], age - 2);
    }
    uploads
}

#[async_trait]
impl Fixture for Uploads {
    async fn source(&self) -> Arc<dyn DataSource> {
        Arc::new(Uploads::source(self))
    }

    fn ada(&self) -> Whose {
        whose("acme", "ada")
    }

    fn ben(&self) -> Whose {
        whose("acme", "ben")
    }

    fn namesake(&self) -> Whose {
        whose("other", "ada")
    }
}

#[tokio::test]
async fn r3_objects_pass_the_suite() {
    conformance::all(filled).await;
}

/// Remembers the size of the largest batch.
#[derive(Default)]
struct Sizes {
    largest: usize,
    whole: Vec<u8>,
}

#[async_trait]
impl RowSink for Sizes {
    async fn take(&mut self, _: &TableFacts, rows: Vec<SourceRow>) -> Result<()> {
        let mut size = 0;
        for row in rows {
            let Value::Bytes(bytes) = &row.values[4] else { panic!("content is bytes") };
            size += bytes.len();
            if row.key.starts_with("[\"large\"") {
                self.whole.extend(bytes);
            }
        }
        self.largest = self.largest.max(size);
        Ok(())
    }
}

#[tokio::test]
async fn r1_a_large_object_comes_in_pieces_in_their_order() {
    let store = Arc::new(InMemory::new());
    let source = over(Arc::clone(&store) as _);
    let ada = whose("acme", "ada");
    let large: Vec<u8> = (0..9_000_000_u32).map(|n| n.to_le_bytes()[1]).collect();
    let folder = source.folder(ada.tenant(), ada.person()).unwrap();
    store.put(&folder.clone().join("large"), large.clone().into()).await.unwrap();
    store.put(&folder.join("small"), "small".into()).await.unwrap();
    let mut sizes = Sizes::default();
    source.collect(&ada, &mut sizes).await.unwrap();
    assert!(sizes.whole == large, "the pieces are the whole");
    assert!(sizes.largest <= 2 * 4 * 1024 * 1024, "{}", sizes.largest);
    assert_eq!(source.count(&ada).await.unwrap().rows(), 4);
}

#[tokio::test]
async fn r3_an_id_with_slashes_and_dots_reaches_nobody_else() {
    let store = Arc::new(InMemory::new());
    let source = over(Arc::clone(&store) as _);
    let ada = whose("acme", "ada");
    let folder = source.folder(ada.tenant(), ada.person()).unwrap();
    store.put(&folder.join("x"), "hers".into()).await.unwrap();
    for id in ["../acme/ada", "ada/", "/ada", "ad", "ada/x", "x/../ada", "%61da", "a", ".."] {
        let somebody = whose("acme", id);
        assert_eq!(source.count(&somebody).await.unwrap().rows(), 0, "{id}");
        assert_eq!(source.erase(&somebody).await.unwrap().rows(), 0, "{id}");
    }
    assert_eq!(source.count(&ada).await.unwrap().rows(), 1);
}

/// A store that answers nothing.
#[derive(Debug)]
struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Broken")
    }
}

fn broken() -> object_store::Error {
    object_store::Error::Generic { store: "broken", source: "canary-address".into() }
}

type Answer<T> = object_store::Result<T>;

#[async_trait]
impl ObjectStore for Broken {
    async fn put_opts(&self, _: &At, _: PutPayload, _: PutOptions) -> Answer<PutResult> {
        Err(broken())
    }
    async fn put_multipart_opts(
        &self,
        _: &At,
        _: PutMultipartOptions,
    ) -> Answer<Box<dyn MultipartUpload>> {
        Err(broken())
    }
    async fn get_opts(&self, _: &At, _: GetOptions) -> Answer<GetResult> {
        Err(broken())
    }
    fn delete_stream(&self, _: BoxStream<'static, Answer<At>>) -> BoxStream<'static, Answer<At>> {
        stream::iter([Err(broken())]).boxed()
    }
    fn list(&self, _: Option<&At>) -> BoxStream<'static, Answer<ObjectMeta>> {
        stream::iter([Err(broken())]).boxed()
    }
    async fn list_with_delimiter(&self, _: Option<&At>) -> Answer<ListResult> {
        Err(broken())
    }
    async fn copy_opts(&self, _: &At, _: &At, _: CopyOptions) -> Answer<()> {
        Err(broken())
    }
}

#[tokio::test]
async fn r3_a_store_that_does_not_answer_is_an_error_and_not_empty() {
    let (source, ada) = (over(Arc::new(Broken)), whose("acme", "ada"));
    for error in [
        source.count(&ada).await.map(drop).unwrap_err(),
        source.collect(&ada, &mut Gathered::default()).await.unwrap_err(),
        source.erase(&ada).await.map(drop).unwrap_err(),
        source.remaining(&ada).await.map(drop).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::HostFailed);
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    }
}

#[tokio::test]
async fn a_store_of_one_tenant_answers_nobody_elses_questions() {
    let content = ("content".to_owned(), DataCategory::new("content"), DataOrigin::Provided);
    let (store, acme) = (Arc::new(InMemory::new()), TenantId::new("acme").unwrap());
    let one = ObjectSource::of_one_tenant(store, "one", "{person}/", People::Text, content, acme);
    let one = one.unwrap();
    assert_eq!(one.count(&whose("acme", "ada")).await.unwrap().rows(), 0);
    let error = one.count(&whose("other", "ada")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}
