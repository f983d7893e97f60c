//! The host's ear, as tests listen with it.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bailee::{Event, EventSink, HostError};

/// Collects events; can be made to refuse them.
#[derive(Clone, Debug, Default)]
pub struct Events(Arc<Mutex<(Vec<Event>, bool)>>);

impl Events {
    /// What came so far.
    pub fn all(&self) -> Vec<Event> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    /// Makes every delivery fail, or no longer.
    pub fn refuse(&self, refuse: bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1 = refuse;
    }
}

#[async_trait]
impl EventSink for Events {
    async fn deliver(&self, event: &Event) -> Result<(), HostError> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.1 {
            return Err("not now".into());
        }
        state.0.push(event.clone());
        Ok(())
    }
}
