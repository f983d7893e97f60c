//! A spool in memory, for tests.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use bailee_core::{ErrorKind, Result};

use super::{ObjectName, Spool, SpoolWriter};

/// A spool whose objects lie in memory. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemorySpool(Arc<Mutex<BTreeMap<ObjectName, Vec<u8>>>>);

impl MemorySpool {
    /// The bytes of all objects as they lie there.
    pub fn contents(&self) -> BTreeMap<ObjectName, Vec<u8>> {
        self.objects().clone()
    }

    /// Puts other bytes in the place of an object, as somebody who got at the disk would.
    pub fn tamper(&self, name: &ObjectName, bytes: Vec<u8>) {
        self.objects().insert(name.clone(), bytes);
    }

    // Nothing panics while it holds the lock.
    fn objects(&self) -> MutexGuard<'_, BTreeMap<ObjectName, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Spool for MemorySpool {
    async fn write(&self, name: &ObjectName) -> Result<Box<dyn SpoolWriter>> {
        Ok(Box::new(Writer { spool: self.clone(), name: name.clone(), bytes: Vec::new() }))
    }

    async fn read(&self, name: &ObjectName, offset: u64, length: usize) -> Result<Vec<u8>> {
        let objects = self.objects();
        let object = objects.get(name).ok_or(ErrorKind::NotFound)?;
        let from = usize::try_from(offset).map_err(|_| ErrorKind::InvalidInput)?;
        let to = from.checked_add(length).ok_or(ErrorKind::InvalidInput)?;
        Ok(object.get(from..to).ok_or(ErrorKind::InvalidInput)?.to_vec())
    }

    async fn length(&self, name: &ObjectName) -> Result<Option<u64>> {
        Ok(self.objects().get(name).map(|object| object.len() as u64))
    }

    async fn delete(&self, name: &ObjectName) -> Result<()> {
        self.objects().remove(name);
        Ok(())
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectName>> {
        let begins = |name: &&ObjectName| name.as_str().starts_with(prefix);
        Ok(self.objects().keys().filter(begins).cloned().collect())
    }
}

struct Writer {
    spool: MemorySpool,
    name: ObjectName,
    bytes: Vec<u8>,
}

#[async_trait]
impl SpoolWriter for Writer {
    async fn put(&mut self, bytes: Vec<u8>) -> Result<()> {
        self.bytes.extend_from_slice(&bytes);
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<()> {
        self.spool.objects().insert(self.name, self.bytes);
        Ok(())
    }
}
