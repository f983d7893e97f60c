//! What a process finds in the file of its journal when it starts: what it wrote, what it wrote in
//! part, and what a disk made of it.

use bailee_connect::fuzzing::{self, JournalRead};
use bailee_core::{ErrorKind, Id, InstanceId};

use crate::quiet_error;

/// The whole file, whatever is in it.
pub(crate) fn file(data: &[u8]) {
    let instance = instance();
    let read = match fuzzing::journal(data, &instance) {
        Ok(Some(read)) => read,
        Ok(None) => return assert!(fuzzing::journal_header(&instance).starts_with(data)),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Configuration);
            return quiet_error("journal", &error);
        }
    };
    let kept: usize = read.standing.iter().map(|(_, payload)| payload.len() + FRAME).sum();
    assert!(HEADER + kept + read.skipped <= data.len() && read.end <= data.len());

    // What is added behind the last frame is found beside what stood there, whole or torn.
    let added = fuzzing::journal_frame(NEW, Some(b"added")).expect("it is short");
    let mut grown = data[..read.end].to_vec();
    grown.extend_from_slice(&added);
    let mut after: Vec<_> = read.standing.iter().filter(|(id, _)| *id != NEW).cloned().collect();
    after.push((NEW, b"added".to_vec()));
    assert_eq!(reread(&grown).standing, after);
    for cut in [1, 25, added.len() - 1] {
        let torn = reread(&grown[..read.end + cut]);
        assert_eq!((torn.standing, torn.end), (read.standing.clone(), read.end), "cut at {cut}");
    }

    // Written anew, it is the same without what belongs to no frame.
    let mut anew = fuzzing::journal_header(&instance);
    for (id, payload) in &read.standing {
        anew.extend(fuzzing::journal_frame(*id, Some(payload)).expect("it was read"));
    }
    let whole = reread(&anew);
    assert_eq!((whole.end, whole.skipped), (anew.len(), 0));
    assert_eq!(whole.standing, read.standing);
}

/// Answers that come and are done, one after the other, and where the file is cut and spoilt: two
/// bytes for each of the two places, then the steps. A step is a byte for whose it is and what it
/// says, one for how long it is, and that many bytes.
pub(crate) fn entries(data: &[u8]) {
    let Some((places, mut steps)) = data.split_first_chunk::<4>() else { return };
    let mut bytes = fuzzing::journal_header(&instance());
    // Where each frame ends, and what stands there.
    let mut frames = vec![(bytes.len(), Vec::new())];
    while let Some(([what, length], rest)) = steps.split_first_chunk::<2>() {
        let (payload, rest) = rest.split_at(rest.len().min(usize::from(*length)));
        steps = rest;
        let id = Id::from_bytes([what & 0x07; 16]);
        let answer = (what & 0x80 == 0).then_some(payload);
        bytes.extend(fuzzing::journal_frame(id, answer).expect("it is short"));
        let mut standing = frames[frames.len() - 1].1.clone();
        standing.retain(|(known, _)| *known != id);
        standing.extend(answer.map(|payload| (id, payload.to_vec())));
        frames.push((bytes.len(), standing));
    }
    let [.., (_, last)] = frames.as_slice() else { unreachable!("there is one") };
    assert_eq!(&reread(&bytes).standing, last);

    let place = |high: u8, low: u8| {
        let drawn = usize::from(u16::from_be_bytes([high, low]));
        HEADER + drawn % (bytes.len() - HEADER + 1)
    };
    // Whatever is torn off, what stood before it stands.
    let cut = place(places[0], places[1]);
    let torn = reread(&bytes[..cut]);
    let before = frames.iter().rfind(|(end, _)| *end <= cut).expect("the header is whole");
    assert_eq!((torn.end, &torn.standing), (before.0, &before.1), "cut at {cut}");

    // A byte that is another one costs its frame and no other.
    let spoilt = place(places[2], places[3]);
    if spoilt < bytes.len() {
        let mut bytes = bytes.clone();
        bytes[spoilt] ^= 0x10;
        let found = reread(&bytes);
        let hit = frames.iter().position(|(end, _)| spoilt < *end).expect("it is in a frame");
        assert_eq!(found.skipped, frames[hit].0 - frames[hit - 1].0, "spoilt at {spoilt}");
        let mut without = bytes[..frames[hit - 1].0].to_vec();
        without.extend_from_slice(&bytes[frames[hit].0..]);
        assert_eq!(found.standing, reread(&without).standing, "spoilt at {spoilt}");
    }
}

/// An answer in a frame: what is clear of it, and a sealed body.
pub(crate) fn answer(data: &[u8]) {
    match fuzzing::journal_answer(NEW, data) {
        Ok((written, sealed)) => {
            assert!(data.ends_with(&sealed) && written.ends_with(&sealed));
            let again = fuzzing::journal_answer(NEW, &written).expect("it was written");
            assert_eq!(again, (written, sealed), "what is read and written again is the same");
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::UnknownSchema);
            quiet_error("answer", &error);
        }
    }
}

fn reread(bytes: &[u8]) -> JournalRead {
    let read = fuzzing::journal(bytes, &instance()).expect("it is a journal");
    read.expect("its header is whole")
}

fn instance() -> InstanceId {
    InstanceId::new("fuzz").expect("a name")
}

const NEW: Id = Id::from_bytes([0xee; 16]);
const HEADER: usize = 32;
/// What a frame has beside its payload.
const FRAME: usize = 41;
