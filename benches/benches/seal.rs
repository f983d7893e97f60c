//! Sealing and opening through the vault (a key derived for each seal, a commitment, wiped stack and
//! buffers), beside AES-256-GCM of ring under one key.

#![expect(clippy::print_stdout, reason = "a measurement prints its figures")]

use std::{hint::black_box, sync::Arc};

use bailee::{
    HostId, RootKeys, TenantId,
    core::{Plaintext, SystemClock},
    store::MemoryStore,
    vault::{Field, Vault},
};
use bailee_benches::{Meter, median, wanted};
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    rand::{SecureRandom, SystemRandom},
};

// All rounds stay under the uses that one key serves for.
const TIMES: usize = 40_000;
const ROUNDS: usize = 11;

fn main() {
    if !wanted() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    println!("microseconds by the clock, median of {ROUNDS} rounds of {TIMES}:");
    for size in [256, 1024, 4096] {
        runtime.block_on(measure(size));
    }
}

async fn measure(size: usize) {
    let keys = RootKeys::base64("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").expect("a key");
    let store = Arc::new(MemoryStore::new(Arc::new(SystemClock)));
    let vault = Vault::builder(store, keys).open().await.expect("a vault");
    let tenant = TenantId::from_static("bench");
    let subject = vault.ensure_subject(&tenant, &HostId::text("ada")).await.expect("a person");
    let field = [Field { table: "notes", row: b"row-1", column: "text", version: 0 }];
    let bytes = vec![7_u8; size];
    let plaintext = [Plaintext::copy_from(&bytes)];

    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[9; 32]).expect("32 bytes"));
    let random = SystemRandom::new();
    let raw_seal = || {
        let mut nonce = [0; 12];
        random.fill(&mut nonce).expect("random bytes");
        let mut buffer = Vec::with_capacity(size + 16);
        buffer.extend_from_slice(&bytes);
        let aad = Aad::from(b"bench/notes/row-1/text");
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut buffer)
            .expect("sealed");
        (nonce, buffer)
    };
    let (nonce, raw_sealed) = raw_seal();
    let sealed = {
        let fields = vault.fields(&tenant, subject).await.expect("a key");
        fields.seal(&field, &plaintext).expect("sealed")
    };

    let mut figures = [const { Vec::new() }; 4];
    for _ in 0..ROUNDS {
        let meter = Meter::start();
        for _ in 0..TIMES {
            black_box(raw_seal());
        }
        figures[0].push(meter.stop().micros(TIMES));

        let meter = Meter::start();
        for _ in 0..TIMES {
            let mut buffer = raw_sealed.clone();
            let aad = Aad::from(b"bench/notes/row-1/text");
            let nonce = Nonce::assume_unique_for_key(nonce);
            black_box(key.open_in_place(nonce, aad, &mut buffer).expect("opened"));
        }
        figures[1].push(meter.stop().micros(TIMES));

        // A key serves for a minute and for so many uses: each round asks for it anew.
        let fields = vault.fields(&tenant, subject).await.expect("a key");
        let meter = Meter::start();
        for _ in 0..TIMES {
            black_box(fields.seal(&field, &plaintext).expect("sealed"));
        }
        figures[2].push(meter.stop().micros(TIMES));

        let fields = vault.fields(&tenant, subject).await.expect("a key");
        let meter = Meter::start();
        for _ in 0..TIMES {
            black_box(fields.open(&field, &sealed).expect("opened"));
        }
        figures[3].push(meter.stop().micros(TIMES));
    }
    let [raw_seal, raw_open, seal, open] = figures.map(median);
    println!(
        "  {size:5} B   seal {seal:5.2}, ring {raw_seal:5.2}: {:4.1} x   open {open:5.2}, ring {raw_open:5.2}: {:4.1} x",
        seal / raw_seal,
        open / raw_open
    );
}
