//! Receipts: what happened, signed, to be checked by anybody who has the log's public key.

use bailee_core::Timestamp;
use base64::{Engine as _, prelude::BASE64_STANDARD};

use crate::{
    Checkpoint, CheckpointFault, Json, KeyId, Keyring, LogName, NotCanonical, SignedCheckpoint,
    SigningKey, UnsafeInteger,
    ed25519::SIGNATURE,
    note::Signers,
    tree::{InclusionProof, ProofFault},
};

/// A signed statement of what happened, with the place of its audit entry in the log where it has one.
///
/// As bytes it is one JSON object in its canonical form (RFC 8785):
///
/// ```text
/// statement   what is signed:
///   receipt     the version of this form, 1
///   log         the log's name
///   key         the id of the key, eight hexadecimal digits
///   issued      seconds since the epoch
///   form        which form the content has
///   content     what happened, in that form
///   entry       the hash of the audit entry, 64 hexadecimal digits; absent where none was written
/// signature   Ed25519 in base64, over the line `bailee receipt 1` and the canonical statement
/// proof       absent as long as the entry has no place in a signed tree:
///   leaf        its number
///   path        the heads of RFC 9162 §2.1.3 in base64, the lowest first
///   checkpoint  the signed checkpoint
/// ```
///
/// The proof is not signed with the rest, because the entry has its place only later; the checkpoint in
/// it is signed by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    statement: Json,
    signature: [u8; SIGNATURE],
    proof: Option<(InclusionProof, SignedCheckpoint)>,
}

/// What a receipt is to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Which form the content has: a word of the program or the name of a published form.
    pub form: String,
    /// What happened. No name and no address of a person belongs into it.
    pub content: Json,
    /// The hash of the audit entry that stands for it.
    pub entry: Option<[u8; 32]>,
    /// When it is signed.
    pub issued: Timestamp,
}

/// What a receipt says, once everything in it was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifiedReceipt {
    /// Which log it is of.
    pub log: LogName,
    /// Which key signed it.
    pub key: KeyId,
    /// What it says.
    pub statement: Statement,
    /// Where the entry is in the log, and the checkpoint that says so.
    pub place: Option<(u64, Checkpoint)>,
}

/// What is wrong with a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiptFault {
    /// The signature is not the key's over this statement.
    #[error("the signature of the receipt does not verify")]
    BadSignature,
    /// The checkpoint is none.
    #[error("the checkpoint of the receipt is not good")]
    Checkpoint(#[source] CheckpointFault),
    /// A member is missing, is one too many, or is not what it has to be.
    #[error("the receipt has no valid `{0}`")]
    Member(&'static str),
    /// It is not in its canonical form.
    #[error("the receipt is not canonical JSON")]
    NotCanonical,
    /// The proof does not lead from the entry to the checkpoint.
    #[error("the receipt does not prove that its entry is in the log")]
    Proof(#[source] ProofFault),
    /// The key that it names is not believed.
    #[error("no key that is believed signed the receipt")]
    UnknownKey,
    /// It is of a version that this release does not read.
    #[error("the receipt is of another version")]
    Version,
}

impl Receipt {
    /// Signs a statement.
    ///
    /// # Errors
    ///
    /// [`UnsafeInteger`] where the content or the time has no canonical form.
    pub fn sign(key: &SigningKey, statement: Statement) -> Result<Self, UnsafeInteger> {
        let public = key.verifying_key();
        let Statement { form, content, entry, issued } = statement;
        let mut members = vec![
            ("receipt", Json::Integer(VERSION)),
            ("log", public.name().as_str().into()),
            ("key", public.id().to_string().into()),
            ("issued", issued.as_seconds().into()),
            ("form", form.into()),
            ("content", content),
        ];
        members.extend(entry.map(|entry| ("entry", Json::from(hex(&entry)))));
        let statement = Json::object(members);
        let signature = key.sign(&signed_bytes(&statement)?);
        Ok(Self { statement, signature, proof: None })
    }

    /// Says where the entry is in the log.
    #[must_use]
    pub fn with_proof(mut self, proof: InclusionProof, checkpoint: SignedCheckpoint) -> Self {
        self.proof = Some((proof, checkpoint));
        self
    }

    /// The signature, for whoever keeps it apart from what it signs.
    pub fn signature(&self) -> &[u8; 64] {
        &self.signature
    }

    /// The bytes of the receipt.
    ///
    /// # Errors
    ///
    /// [`UnsafeInteger`] where a proof names a place that no JSON can.
    pub fn to_bytes(&self) -> Result<Vec<u8>, UnsafeInteger> {
        let mut members = vec![
            ("statement", self.statement.clone()),
            ("signature", BASE64_STANDARD.encode(self.signature).into()),
        ];
        if let Some((proof, checkpoint)) = &self.proof {
            let leaf = i64::try_from(proof.leaf).map_err(|_| UnsafeInteger)?;
            let path = proof.path.iter().map(|head| BASE64_STANDARD.encode(head));
            members.push((
                "proof",
                Json::object([
                    ("leaf", leaf.into()),
                    ("path", Json::array(path)),
                    ("checkpoint", checkpoint.as_str().into()),
                ]),
            ));
        }
        Ok(Json::object(members).canonical()?.into_bytes())
    }
}

/// Checks a receipt without the service that gave it: its form, its signature, and, where it has one,
/// the proof that its entry is in the signed tree.
///
/// A checkpoint in it has to be signed by believed keys alone: where one was signed while the key was
/// turned, both have to be in the ring.
///
/// Keys are believed without an end: whoever takes a key out of the ring stops to believe what it
/// signed before as well.
///
/// # Errors
///
/// What is wrong.
pub fn verify_receipt(bytes: &[u8], keys: &Keyring) -> Result<VerifiedReceipt, ReceiptFault> {
    let whole = Json::parse_canonical(bytes)?;
    let only = |json: &Json, known: &[&str], of: &'static str| match json {
        Json::Object(members) if members.keys().all(|name| known.contains(&name.as_str())) => {
            Ok(())
        }
        _ => Err(ReceiptFault::Member(of)),
    };
    only(&whole, &["proof", "signature", "statement"], "receipt")?;
    let signed = whole.get("statement").ok_or(ReceiptFault::Member("statement"))?;
    let version = signed.get("receipt").and_then(Json::as_integer);
    match version.ok_or(ReceiptFault::Member("receipt"))? {
        VERSION => {}
        _ => return Err(ReceiptFault::Version),
    }
    let members = ["content", "entry", "form", "issued", "key", "log", "receipt"];
    only(signed, &members, "statement")?;
    let text = |json: &Json, name| json.get(name).and_then(Json::as_str).map(ToOwned::to_owned);
    let key = text(signed, "key").and_then(|key| KeyId::parse(&key));
    let key = key.ok_or(ReceiptFault::Member("key"))?;
    let log = text(signed, "log").and_then(|log| LogName::new(log).ok());
    let log = log.ok_or(ReceiptFault::Member("log"))?;
    let signature = text(&whole, "signature").and_then(|text| BASE64_STANDARD.decode(text).ok());
    let signature = signature.ok_or(ReceiptFault::Member("signature"))?;
    let message = signed_bytes(signed).map_err(|_| ReceiptFault::NotCanonical)?;
    let believed = keys.find(log.as_str(), key);
    if believed.is_empty() {
        return Err(ReceiptFault::UnknownKey);
    }
    if !believed.iter().any(|key| key.verify(&message, &signature)) {
        return Err(ReceiptFault::BadSignature);
    }
    // From here on it is ours; what is still wrong was wrong when it was signed, or is in the proof.
    let statement = Statement {
        form: text(signed, "form").ok_or(ReceiptFault::Member("form"))?,
        content: signed.get("content").ok_or(ReceiptFault::Member("content"))?.clone(),
        entry: match signed.get("entry") {
            None => None,
            Some(entry) => {
                let entry = entry.as_str().and_then(unhex);
                Some(entry.ok_or(ReceiptFault::Member("entry"))?)
            }
        },
        issued: signed
            .get("issued")
            .and_then(Json::as_integer)
            .map(Timestamp::from_seconds)
            .ok_or(ReceiptFault::Member("issued"))?,
    };
    let place = match whole.get("proof") {
        None => None,
        Some(proof) => {
            only(proof, &["checkpoint", "leaf", "path"], "proof")?;
            let entry = statement.entry.ok_or(ReceiptFault::Member("entry"))?;
            Some(verify_place(proof, &entry, &log, keys)?)
        }
    };
    Ok(VerifiedReceipt { log, key, statement, place })
}

/// The version that this release writes and reads.
const VERSION: i64 = 1;

fn verify_place(
    proof: &Json,
    entry: &[u8; 32],
    log: &LogName,
    keys: &Keyring,
) -> Result<(u64, Checkpoint), ReceiptFault> {
    let checkpoint = proof.get("checkpoint").and_then(Json::as_str);
    let checkpoint = checkpoint.ok_or(ReceiptFault::Member("checkpoint"))?;
    // Strictly, so that no bit of a receipt is unchecked.
    let (checkpoint, _) = SignedCheckpoint::from_text(checkpoint)
        .open(log, keys, Signers::AllKnown)
        .map_err(ReceiptFault::Checkpoint)?;
    let leaf = proof.get("leaf").and_then(Json::as_integer).and_then(|leaf| leaf.try_into().ok());
    let leaf = leaf.ok_or(ReceiptFault::Member("leaf"))?;
    let path = proof.get("path").and_then(Json::as_array).and_then(|path| {
        let head = |json: &Json| BASE64_STANDARD.decode(json.as_str()?).ok()?.try_into().ok();
        path.iter().map(head).collect()
    });
    let path = path.ok_or(ReceiptFault::Member("path"))?;
    InclusionProof::new(leaf, checkpoint.size, path)
        .verify(entry, &checkpoint.root)
        .map_err(ReceiptFault::Proof)?;
    Ok((leaf, checkpoint))
}

/// What is signed. The first line keeps it apart from everything else that the key signs: a checkpoint
/// begins with a log's name, which has no space.
fn signed_bytes(statement: &Json) -> Result<Vec<u8>, UnsafeInteger> {
    Ok(format!("bailee receipt 1\n{}", statement.canonical()?).into_bytes())
}

impl From<NotCanonical> for ReceiptFault {
    fn from(_: NotCanonical) -> Self {
        Self::NotCanonical
    }
}

fn hex(digest: &[u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let lower = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if text.len() != 64 || !text.bytes().all(lower) {
        return None;
    }
    let mut digest = [0; 32];
    for (n, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * n..2 * n + 2], 16).ok()?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use bailee_core::Plaintext;

    use super::*;
    use crate::tree::{self, InclusionPlan};

    fn key(seed: u8) -> SigningKey {
        let name = LogName::new("app.example/log").unwrap();
        SigningKey::from_seed(name, &Plaintext::copy_from(&[seed; 32])).unwrap()
    }

    fn keys(seed: u8) -> Keyring {
        key(seed).verifying_key().clone().into()
    }

    fn statement() -> Statement {
        Statement {
            form: "suite".into(),
            content: Json::object([("what", Json::from("agreed")), ("n", Json::Integer(3))]),
            entry: Some(leaves()[2]),
            issued: Timestamp::from_seconds(1_748_779_200),
        }
    }

    fn leaves() -> Vec<[u8; 32]> {
        (0..5_u8).map(|n| tree::leaf_hash(&[n])).collect()
    }

    fn receipt() -> Receipt {
        Receipt::sign(&key(1), statement()).unwrap()
    }

    fn proven(leaf: u64) -> Receipt {
        let all = leaves();
        let plan = InclusionPlan::new(leaf, all.len() as u64).unwrap();
        let head = |node: tree::Node| {
            let range = node.leaves();
            Ok::<_, Infallible>(tree::root(&all[range.start as usize..range.end as usize]))
        };
        let at = Timestamp::from_seconds(1_748_779_260);
        let origin = key(1).verifying_key().name().clone();
        let checkpoint = Checkpoint::new(origin, all.len() as u64, tree::root(&all), at);
        receipt().with_proof(plan.prove(head).unwrap(), checkpoint.sign(&[&key(1)]))
    }

    /// Signs a statement of another make as it stands.
    fn signed(statement: Json) -> Vec<u8> {
        let signature = key(1).sign(&signed_bytes(&statement).unwrap());
        Receipt { statement, signature, proof: None }.to_bytes().unwrap()
    }

    #[test]
    fn a_receipt_says_what_was_signed() {
        let bytes = receipt().to_bytes().unwrap();
        let text = String::from_utf8(bytes.clone()).unwrap();
        let signature = BASE64_STANDARD.encode(receipt().signature());
        let (entry, id) = (hex(&leaves()[2]), key(1).verifying_key().id());
        assert_eq!(
            text,
            format!(
                "{{\"signature\":\"{signature}\",\"statement\":{{\"content\":{{\"n\":3,\"what\":\
                 \"agreed\"}},\"entry\":\"{entry}\",\"form\":\"suite\",\"issued\":1748779200,\
                 \"key\":\"{id}\",\"log\":\"app.example/log\",\"receipt\":1}}}}"
            )
        );
        let verified = verify_receipt(&bytes, &keys(1)).unwrap();
        assert_eq!(verified.statement, statement());
        assert_eq!(verified.key, key(1).verifying_key().id());
        assert_eq!(verified.place, None);
    }

    #[test]
    fn aud_02_a_receipt_proves_where_its_entry_is() {
        let verified = verify_receipt(&proven(2).to_bytes().unwrap(), &keys(1)).unwrap();
        let (leaf, checkpoint) = verified.place.unwrap();
        assert_eq!((leaf, checkpoint.size, checkpoint.root), (2, 5, tree::root(&leaves())));
        for leaf in [0, 1, 3, 4] {
            let fault = verify_receipt(&proven(leaf).to_bytes().unwrap(), &keys(1)).unwrap_err();
            assert!(matches!(fault, ReceiptFault::Proof(_)), "{fault:?}");
        }
    }

    #[test]
    fn aud_02_every_changed_bit_of_a_receipt_is_found() {
        for receipt in [receipt(), proven(2)] {
            let bytes = receipt.to_bytes().unwrap();
            assert!(verify_receipt(&bytes, &keys(1)).is_ok());
            for bit in 0..bytes.len() * 8 {
                let mut changed = bytes.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                let text = String::from_utf8_lossy(&changed).into_owned();
                assert!(verify_receipt(&changed, &keys(1)).is_err(), "{text}");
            }
            for length in 0..bytes.len() {
                assert!(verify_receipt(&bytes[..length], &keys(1)).is_err());
            }
        }
    }

    #[test]
    fn each_fault_has_its_name() {
        let bytes = receipt().to_bytes().unwrap();
        let text = String::from_utf8(bytes.clone()).unwrap();
        let fault = |text: String| verify_receipt(text.as_bytes(), &keys(1)).unwrap_err();
        assert_eq!(verify_receipt(&bytes, &keys(2)).unwrap_err(), ReceiptFault::UnknownKey);
        assert_eq!(fault(text.replace("agreed", "refused")), ReceiptFault::BadSignature);
        assert_eq!(fault(text.replace(":1}", ":2}")), ReceiptFault::Version);
        assert_eq!(fault(format!("{text}\n")), ReceiptFault::NotCanonical);
        assert_eq!(fault("[]".into()), ReceiptFault::Member("receipt"));
        assert_eq!(fault("{}".into()), ReceiptFault::Member("statement"));
        let more = text.replace("{\"signature\"", "{\"more\":1,\"signature\"");
        assert_eq!(fault(more), ReceiptFault::Member("receipt"));
        let Json::Object(statement) = receipt().statement else { unreachable!() };
        for name in ["content", "form", "issued"] {
            let mut members = statement.clone();
            members.remove(name);
            let fault = verify_receipt(&signed(Json::Object(members)), &keys(1)).unwrap_err();
            assert_eq!(fault, ReceiptFault::Member(name));
        }
        let mut members = statement.clone();
        members.insert("entry".into(), "AB".into());
        let fault = verify_receipt(&signed(Json::Object(members)), &keys(1)).unwrap_err();
        assert_eq!(fault, ReceiptFault::Member("entry"));
    }

    #[test]
    fn a_proof_under_another_key_s_checkpoint_is_none() {
        let Some((proof, checkpoint)) = proven(2).proof else { unreachable!() };
        let text = checkpoint.as_str().split_once("\n\n").unwrap().0;
        let forged = crate::note::sign(&format!("{text}\n"), &[&key(2)]);
        let receipt = receipt().with_proof(proof, SignedCheckpoint::from_text(forged));
        let fault = verify_receipt(&receipt.to_bytes().unwrap(), &keys(1)).unwrap_err();
        assert_eq!(fault, ReceiptFault::Checkpoint(CheckpointFault::UnknownKey));
    }

    #[test]
    fn a_proof_needs_an_entry() {
        let Some((proof, checkpoint)) = proven(2).proof else { unreachable!() };
        let receipt = Receipt::sign(&key(1), Statement { entry: None, ..statement() }).unwrap();
        assert!(verify_receipt(&receipt.to_bytes().unwrap(), &keys(1)).is_ok());
        let receipt = receipt.with_proof(proof, checkpoint);
        let fault = verify_receipt(&receipt.to_bytes().unwrap(), &keys(1)).unwrap_err();
        assert_eq!(fault, ReceiptFault::Member("entry"));
    }
}
