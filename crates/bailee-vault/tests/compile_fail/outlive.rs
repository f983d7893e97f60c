use bailee_core::Plaintext;
use bailee_vault::KeyMaterial;

fn leak_plaintext(plaintext: &Plaintext) -> &'static [u8] {
    plaintext.expose(|bytes| bytes)
}

fn leak_key(key: &KeyMaterial) -> &[u8; 32] {
    key.expose(|key| key)
}

fn main() {}
