//! Where a person could be reached when their request began, for letters that outlive the host's own
//! address of them.

use std::fmt;

use bailee_core::{Locale, Result, SubjectId, TenantId};
use bailee_store::Key;
use bailee_vault::{Draft, Holder};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, SeqAccess, Visitor},
    ser::SerializeTuple,
};

use crate::notice::{
    Address, ContactWay, Reach,
    body::{SCHEMA, decode},
};

use super::{Messages, kind};
use crate::Additions;

/// `rights.reach`.
#[derive(Serialize, Deserialize)]
struct ReachBody {
    locale: Locale,
    addresses: Vec<Kept>,
}

/// An address that goes into a sealed record and comes out of one, without a copy that is not wiped.
struct Kept(Address);

impl Messages {
    /// Asks the host where a person is and keeps the answer, sealed under their key, for the letters
    /// of a request that may delete the host's own address of them. Where the host knows none later,
    /// this one is used.
    ///
    /// The record is named by the request. It goes with the person's key, or with
    /// [`forget_reach`](Self::forget_reach).
    ///
    /// # Errors
    ///
    /// [`HostFailed`](bailee_core::ErrorKind::HostFailed) when the host cannot say; as
    /// [`Messages::of_request`].
    pub async fn keep_reach(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        request: bailee_core::Id,
    ) -> Result<Additions> {
        let vault = self.vault();
        let person = vault.person(tenant, subject).await?;
        let Some(reach) = self.post().reach(tenant, &person).await else {
            return Err(bailee_core::Error::new(bailee_core::ErrorKind::HostFailed)
                .with_detail("the host could not say where the person is reached"));
        };
        if reach.addresses.is_empty() {
            return Ok(Additions::default());
        }
        let holder = Holder::Subject(subject);
        let key = Key::new(kind::REACH, request);
        let view = vault.read(tenant, holder, std::slice::from_ref(&key)).await?;
        let body = ReachBody {
            locale: reach.locale,
            addresses: reach.addresses.into_iter().map(Kept).collect(),
        };
        let draft = Draft::new(key, holder).json(SCHEMA, &body)?;
        let put = vault.put(tenant, draft, view.record(0)).await?;
        Ok(Additions { ops: vec![put], entries: Vec::new() })
    }

    /// What deletes the kept address of a request that is over, if there is one.
    ///
    /// # Errors
    ///
    /// As [`Messages::of_request`].
    pub async fn forget_reach(
        &self,
        tenant: &TenantId,
        request: bailee_core::Id,
    ) -> Result<Additions> {
        let key = Key::new(kind::REACH, request);
        let found = self.vault().store().read(tenant, std::slice::from_ref(&key)).await?;
        let ops = found.records.into_iter().flatten().map(|record| bailee_store::Op::Delete {
            key: record.key,
            expect: bailee_store::Expect::Version(record.version),
        });
        Ok(Additions { ops: ops.collect(), entries: Vec::new() })
    }

    /// The kept address of a request.
    pub(super) async fn kept_reach(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        request: bailee_core::Id,
    ) -> Result<Option<Reach>> {
        let key = Key::new(kind::REACH, request);
        let view = self.vault().read(tenant, Holder::Subject(subject), &[key]).await?;
        if view.record(0).is_none_or(|record| record.subject != Some(subject)) {
            return Ok(None);
        }
        let Some(facts) = view.facts(0)? else { return Ok(None) };
        let body: ReachBody = decode(&facts)?;
        let addresses = body.addresses.into_iter().map(|kept| kept.0).collect();
        Ok(Some(Reach { locale: body.locale, addresses }))
    }
}

impl Serialize for Kept {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut pair = to.serialize_tuple(2)?;
        pair.serialize_element(&self.0.way())?;
        self.0.expose(|place| pair.serialize_element(place))?;
        pair.end()
    }
}

impl<'de> Deserialize<'de> for Kept {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Pair;

        /// A text that is copied into a wiped buffer and nowhere else.
        struct Place(bailee_core::SecretText);

        impl<'de> Deserialize<'de> for Place {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                struct Text;

                impl Visitor<'_> for Text {
                    type Value = Place;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("an address")
                    }

                    fn visit_str<E: Error>(self, text: &str) -> Result<Place, E> {
                        Ok(Place(bailee_core::SecretText::copy_from(text.as_bytes())))
                    }
                }

                from.deserialize_str(Text)
            }
        }

        impl<'de> Visitor<'de> for Pair {
            type Value = Kept;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a way and an address")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut of: A) -> Result<Kept, A::Error> {
                let missing = || A::Error::custom("no address");
                let way: ContactWay = of.next_element()?.ok_or_else(missing)?;
                let place: Place = of.next_element()?.ok_or_else(missing)?;
                Ok(Kept(Address::sealed(way, place.0)))
            }
        }

        from.deserialize_tuple(2, Pair)
    }
}
