//! What sealing and opening cost: `cargo run --release -p bailee-vault --example cost`.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement reads the clock and prints"
)]

use std::{hint::black_box, sync::Arc, time::Instant};

use bailee_core::{HostId, Id, Plaintext, SystemClock, SystemRandom, TenantId, audit::Entry};
use bailee_store::{Key, Kind, MemoryStore};
use bailee_vault::{Draft, Field, Holder, RootKeys, Vault};

const ROUNDS: u32 = 20_000;

fn measure(what: &str, mut step: impl FnMut()) {
    // The best of several runs: others share the machine.
    let best = (0..7)
        .map(|_| {
            let begun = Instant::now();
            for _ in 0..ROUNDS {
                step();
            }
            begun.elapsed() / ROUNDS
        })
        .min();
    println!("{what:<44} {:>8.2} us", best.unwrap().as_nanos() as f64 / 1000.0);
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> bailee_core::Result<()> {
    let text = RootKeys::generate(&SystemRandom)?;
    let root = text.expose(|text| RootKeys::base64(std::str::from_utf8(text).unwrap()))?;
    let store = Arc::new(MemoryStore::new(Arc::new(SystemClock)));
    let vault = Vault::builder(store.clone(), root).open().await?;
    let tenant = TenantId::from_static("acme");
    let ada = vault.ensure_subject(&tenant, &HostId::Int(1)).await?;
    let holder = Holder::Subject(ada);
    let key = Key::new(Kind::from_static("credential"), Id::generate(&SystemRandom)?);
    let draft = |key: &Key| {
        Draft::new(key.clone(), holder)
            .facts(1, vec![b'x'; 300])
            .part("access", Plaintext::copy_from(&[7; 200]))
            .part("refresh", Plaintext::copy_from(&[7; 200]))
    };
    let op = vault.put(&tenant, draft(&key), None).await?;
    let entry = Entry::new("stored", vault.clock().now());
    vault.commit(&tenant, vault.batch()?.op(op).audit(entry)).await?;

    let keys = [key.clone()];
    let view = vault.read(&tenant, holder, &keys).await?;
    measure("open facts (300 bytes)", || {
        black_box(view.facts(0).unwrap());
    });
    measure("open one token (200 bytes), facts known", || {
        black_box(view.part(0, "access").unwrap());
    });
    let now = |future: std::pin::Pin<Box<dyn Future<Output = bool> + '_>>| {
        let mut future = future;
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(matches!(future.as_mut().poll(&mut context), std::task::Poll::Ready(true)));
    };
    use bailee_store::Store as _;
    let asked =
        [key.clone(), holder.standing(), Key::new(bailee_vault::kind::SUBJECT_KEY, ada.id())];
    measure("the memory store's read alone", || {
        now(Box::pin(async { store.read(&tenant, &asked).await.is_ok() }));
    });
    measure("read with warm caches", || {
        now(Box::pin(async { vault.read(&tenant, holder, &keys).await.is_ok() }));
    });
    measure("read, facts and one token", || {
        now(Box::pin(async {
            let view = vault.read(&tenant, holder, &keys).await.unwrap();
            view.facts(0).is_ok() && view.part(0, "access").is_ok()
        }));
    });
    measure("seal facts and two tokens", || {
        now(Box::pin(async { vault.put(&tenant, draft(&key), None).await.is_ok() }));
    });
    let fields = vault.fields(&tenant, ada).await?;
    let field = [Field { table: "users", row: b"42", column: "phone", version: 1 }];
    let value = [Plaintext::copy_from(b"+43 1 000 0000")];
    measure("seal one host field", || {
        black_box(fields.seal(&field, &value).unwrap());
    });
    Ok(())
}
