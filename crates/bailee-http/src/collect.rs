//! A body in one wiped buffer.

use zeroize::Zeroizing;

/// Collects a body of at most `limit` bytes. No copy of it is left behind by growth: a larger
/// buffer is a new one, and the old one is wiped.
pub(crate) struct Collector {
    buffer: Zeroizing<Vec<u8>>,
    limit: usize,
}

/// The body is longer than the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OverLimit;

impl Collector {
    /// A collector for a body whose length was declared, or was not.
    pub(crate) fn new(declared: Option<u64>, limit: usize) -> Result<Self, OverLimit> {
        let capacity = match declared {
            Some(length) => usize::try_from(length).map_err(|_| OverLimit)?,
            None => FIRST.min(limit),
        };
        if capacity > limit {
            return Err(OverLimit);
        }
        Ok(Self { buffer: Zeroizing::new(Vec::with_capacity(capacity)), limit })
    }

    pub(crate) fn push(&mut self, chunk: &[u8]) -> Result<(), OverLimit> {
        let length = self.buffer.len().checked_add(chunk.len()).ok_or(OverLimit)?;
        if length > self.limit {
            return Err(OverLimit);
        }
        if length > self.buffer.capacity() {
            let capacity = self.buffer.capacity().saturating_mul(2).clamp(length, self.limit);
            let mut larger = Zeroizing::new(Vec::with_capacity(capacity));
            larger.extend_from_slice(&self.buffer);
            self.buffer = larger;
        }
        self.buffer.extend_from_slice(chunk);
        Ok(())
    }

    pub(crate) fn finish(self) -> Zeroizing<Vec<u8>> {
        self.buffer
    }
}

const FIRST: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declared_body_never_moves() {
        let mut collector = Collector::new(Some(100_000), 200_000).unwrap();
        let place = collector.buffer.as_ptr();
        for _ in 0..100 {
            collector.push(&[7; 1000]).unwrap();
        }
        let body = collector.finish();
        assert_eq!((body.as_ptr(), body.len()), (place, 100_000));
    }

    #[test]
    fn an_undeclared_body_grows_by_new_buffers_up_to_the_limit() {
        let mut collector = Collector::new(None, 50_000).unwrap();
        let mut whole = Vec::new();
        for n in 0..50_u8 {
            let chunk = [n; 1000];
            collector.push(&chunk).unwrap();
            whole.extend_from_slice(&chunk);
            assert!(collector.buffer.capacity() <= 50_000);
        }
        assert_eq!(collector.push(&[1]), Err(OverLimit));
        assert_eq!(*collector.finish(), whole);
    }

    #[test]
    fn a_declared_length_over_the_limit_is_refused_before_a_byte_is_read() {
        assert!(Collector::new(Some(10), 10).is_ok());
        for declared in [11, u64::MAX] {
            assert_eq!(Collector::new(Some(declared), 10).err(), Some(OverLimit));
        }
    }

    #[test]
    fn a_body_that_is_longer_than_declared_still_meets_the_limit() {
        let mut collector = Collector::new(Some(1), 3).unwrap();
        collector.push(b"abc").unwrap();
        assert_eq!(collector.push(b"d"), Err(OverLimit));
    }
}
