//! Where a request stands, and which way it can go from there.

use bailee_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use super::Right;

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum State {
    /// Nobody has shown yet that it is the person who asks.
    Identifying,
    /// An operator has to weigh it.
    Deciding,
    /// It will be done, and until then the person can take it back.
    Grace,
    /// It is being done.
    Working,
    /// It was done but for what is held; the person was told. It goes on when the hold is over.
    Held,
    /// A hold is over, and the person came back after the rest was erased: an operator says what goes
    /// now.
    Returned,
    /// Everything is gone that should be, and the person is being told. What is left is the way to
    /// tell them.
    Answering,
    /// The last of it is being destroyed.
    Ending,
    /// It is over.
    Closed,
}

/// What moves a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Move {
    /// It is known that the person asks.
    Identified,
    /// An operator lets it go on.
    Approved,
    /// The time in which the person could take it back is over.
    GraceOver,
    /// All parts have done what they do, and a second look found nothing left.
    Worked,
    /// The same, but for what is held.
    WorkedButHeld,
    /// A hold is over.
    Released,
    /// The same, and the person came back meanwhile.
    CameBack,
    /// An operator said what goes of somebody who came back.
    Weighed,
    /// The person was told, or cannot be.
    Answered,
    /// What was left is gone.
    Ended,
    /// It is refused.
    Refused,
    /// The person takes it back.
    Cancelled,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Identifying,
        Self::Deciding,
        Self::Grace,
        Self::Working,
        Self::Held,
        Self::Returned,
        Self::Answering,
        Self::Ending,
        Self::Closed,
    ];

    /// The word that records and the log use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Identifying => "identifying",
            Self::Deciding => "deciding",
            Self::Grace => "grace",
            Self::Working => "working",
            Self::Held => "held",
            Self::Returned => "returned",
            Self::Answering => "answering",
            Self::Ending => "ending",
            Self::Closed => "closed",
        }
    }

    /// Where a request for a right goes once it is known who asks.
    pub(super) fn once_identified(right: Right) -> Self {
        match right {
            // What an operator has to weigh: whether the data is wrong, whether grounds outweigh,
            // what there is to say.
            Right::Complaint | Right::Objection | Right::Rectification => Self::Deciding,
            Right::AccountDeletion | Right::Erasure => Self::Grace,
            _ => Self::Working,
        }
    }

    /// Where it goes from here.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Rejected`] where it does not go that way.
    pub fn after(self, step: Move, right: Right) -> Result<Self> {
        Ok(match (self, step) {
            (Self::Identifying, Move::Identified) => Self::once_identified(right),
            (Self::Deciding, Move::Approved) => Self::Working,
            (Self::Grace, Move::GraceOver) => Self::Working,
            (Self::Working, Move::Worked) if right.erases() => Self::Answering,
            (Self::Working, Move::Worked) => Self::Closed,
            (Self::Working, Move::WorkedButHeld) if right.erases() => Self::Held,
            (Self::Held, Move::Released) => Self::Working,
            (Self::Held, Move::CameBack) => Self::Returned,
            (Self::Returned, Move::Weighed) => Self::Held,
            (Self::Answering, Move::Answered) => Self::Ending,
            (Self::Ending, Move::Ended) => Self::Closed,
            (Self::Identifying | Self::Deciding | Self::Grace, Move::Refused | Move::Cancelled) => {
                Self::Closed
            }
            // What was not begun can be left; what destroys has begun.
            (Self::Working, Move::Cancelled | Move::Refused) if !right.erases() => Self::Closed,
            _ => {
                return Err(Error::new(ErrorKind::Rejected)
                    .with_detail("the request is not where this could be done"));
            }
        })
    }

    /// Whether the person can still take it back.
    pub fn can_be_cancelled(self, right: Right) -> bool {
        self.after(Move::Cancelled, right).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOVES: [Move; 12] = [
        Move::Identified,
        Move::Approved,
        Move::GraceOver,
        Move::Worked,
        Move::WorkedButHeld,
        Move::Released,
        Move::CameBack,
        Move::Weighed,
        Move::Answered,
        Move::Ended,
        Move::Refused,
        Move::Cancelled,
    ];

    #[test]
    fn words_are_what_the_records_say() {
        for state in State::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
    }

    #[test]
    fn a_closed_request_goes_nowhere() {
        for right in Right::ALL {
            for step in MOVES {
                assert!(State::Closed.after(step, right).is_err(), "{right:?} {step:?}");
            }
        }
    }

    #[test]
    fn every_way_from_the_beginning_can_come_to_an_end_and_only_through_identity() {
        for right in Right::ALL {
            let mut seen = vec![State::Identifying];
            let mut at = 0;
            while let Some(state) = seen.get(at).copied() {
                at += 1;
                for step in MOVES {
                    if let Ok(next) = state.after(step, right)
                        && !seen.contains(&next)
                    {
                        seen.push(next);
                    }
                }
            }
            assert!(seen.contains(&State::Closed) && seen.contains(&State::Working), "{right:?}");
            let first: Vec<_> = MOVES
                .iter()
                .filter_map(|step| State::Identifying.after(*step, right).ok())
                .collect();
            assert!(!first.contains(&State::Ending) && !first.contains(&State::Answering));
        }
    }

    #[test]
    fn destruction_that_began_is_not_taken_back() {
        for right in [Right::Erasure, Right::AccountDeletion] {
            assert!(State::Grace.can_be_cancelled(right));
            for state in
                [State::Working, State::Held, State::Returned, State::Answering, State::Ending]
            {
                assert!(!state.can_be_cancelled(right), "{state:?}");
                assert!(state.after(Move::Refused, right).is_err(), "{state:?}");
            }
        }
        assert!(State::Working.can_be_cancelled(Right::Access));
    }

    #[test]
    fn nothing_is_complete_but_after_a_second_look() {
        for right in Right::ALL {
            for state in State::ALL {
                for step in MOVES {
                    let closes = state.after(step, right).ok() == Some(State::Closed);
                    let cut_off = matches!(step, Move::Refused | Move::Cancelled);
                    if closes && !cut_off {
                        let looked = matches!(
                            (state, step),
                            (State::Working, Move::Worked) | (State::Ending, Move::Ended)
                        );
                        assert!(looked, "{right:?} {state:?} {step:?}");
                    }
                }
            }
        }
    }
}
