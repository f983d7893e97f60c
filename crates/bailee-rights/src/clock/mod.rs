//! Deadlines by law: which there are, when each ends, and what makes it later.
//!
//! Everything that a legislature can change is data: the terms of a law ([`Regime`]), the days off
//! of a country ([`Calendar`]), the offset of its clocks ([`Zone`]). The arithmetic is that of
//! Regulation (EEC, Euratom) 1182/71, which governs every period of the GDPR, and of what other laws
//! say instead. Where a rule is open to reading, [`Deadline::strict`] is the reading that can never
//! be late, and alarms count from it.

mod calendar;
mod deadline;
mod easter;
mod establishment;
mod holiday;
mod period;
mod regime;
mod request;
mod written;
mod zone;

pub use calendar::Calendar;
pub use deadline::Deadline;
pub use easter::{gregorian_easter, orthodox_easter};
pub use establishment::Establishment;
pub use period::Period;
pub use regime::{Matter, PauseRule, Regime, Term};
pub use request::{Extension, ExtensionReason, Pause, PauseReason, Reading, RequestClock};
pub use zone::{SummerTime, Zone};
