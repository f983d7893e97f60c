//! The suite that every store must pass: one function for each sentence of the contract.
//!
//! Give it a [`Harness`] that makes empty stores on a clock that the suite moves, and
//! [`conformance_tests!`](crate::conformance_tests) makes a test of each sentence; [`run_all`] runs
//! them one after the other. Each function panics when its sentence does not hold. The tests are
//! `#[tokio::test]`s, so the crate that runs them has `tokio` among its dev-dependencies, with
//! `macros` and `rt-multi-thread`.

pub mod claims;
pub mod commits;
mod desk;
pub mod finds;
pub mod isolation;
pub mod log;
pub mod races;
pub mod reads;
pub mod sweeps;
pub mod work;

use std::sync::Arc;

use async_trait::async_trait;
use bailee_core::ManualClock;

use crate::Store;

/// Makes the stores that the suite tests.
#[async_trait]
pub trait Harness: Send + Sync {
    /// The clock of every store that this harness makes. The suite moves it on.
    fn clock(&self) -> &ManualClock;

    /// Makes an empty store, apart from every other one that this harness made.
    async fn store(&self) -> Arc<dyn Store>;

    /// Opens what `store` keeps once more, as another process would, and gives the new handle. The
    /// old one is dropped, or still used by whoever else holds it. A store that lives in one
    /// handle alone gives that back.
    async fn reopen(&self, store: Arc<dyn Store>) -> Arc<dyn Store>;
}

/// Makes a test of each sentence of the contract.
///
/// The argument is an expression that makes a [`Harness`](crate::conformance::Harness); it is
/// evaluated anew in each test.
#[macro_export]
macro_rules! conformance_tests {
    (@names [$($names:ident)*] $($module:ident::$name:ident)*) => {
        &[$(concat!(stringify!($module), "::", stringify!($name))),*]
    };
    (@run [$harness:ident] $($module:ident::$name:ident)*) => {
        $($crate::conformance::$module::$name($harness).await;)*
    };
    (@tests [$harness:expr] $($module:ident::$name:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                $crate::conformance::$module::$name(&$harness).await;
            }
        )*
    };
    (@each $what:ident $arguments:tt) => {
        $crate::conformance_tests! { @$what $arguments
            claims::a_claim_says_what_it_holds_and_until_when
            claims::one_piece_of_work_is_claimed_before_it_is_due
            claims::a_claim_of_what_is_absent_or_held_answers_nothing
            claims::ref_14_a_lease_ends_by_the_stores_clock
            claims::unfinished_work_is_due_when_its_lease_ends
            claims::ref_03_fences_and_tries_rise_and_since_stays
            claims::the_longest_due_comes_first
            claims::only_the_named_lanes_are_claimed
            claims::a_backlog_in_one_lane_does_not_starve_another
            claims::an_impossible_lease_is_refused
            commits::a_put_of_an_absent_record_gives_it_the_version_that_it_carries
            commits::a_put_that_expects_absent_is_refused_where_there_is_a_record
            commits::a_put_over_its_version_replaces_the_record
            commits::a_put_over_another_version_is_refused
            commits::a_delete_removes_what_is_as_it_expects
            commits::a_delete_of_what_is_not_as_it_expects_is_refused
            commits::a_check_holds_a_batch_to_what_it_expects
            commits::an_expired_record_is_absent_to_every_precondition
            commits::a_put_over_an_expired_record_is_one_over_none
            commits::a_record_created_anew_never_matches_a_stale_holder
            commits::a_batch_that_fails_leaves_nothing
            commits::a_refused_batch_may_be_sent_again
            commits::aud_01_a_batch_sent_again_changes_nothing
            commits::the_same_batch_id_in_another_tenant_is_another_batch
            commits::aud_01_a_commit_and_its_entries_come_together
            commits::a_batch_of_entries_alone_is_committed_once
            commits::the_control_row_is_written_only_from_the_systems_tenant
            commits::the_control_row_is_written_over_its_version_alone
            commits::a_body_over_the_limit_is_refused
            commits::a_batch_of_a_thousand_operations_is_one_change
            commits::sto_08_lookalike_keys_are_told_apart
            finds::a_kind_is_found_in_the_order_of_its_keys
            finds::a_subject_is_found_over_all_kinds
            finds::conditions_narrow_each_other
            finds::an_expired_record_is_not_found
            finds::pages_show_every_record_once
            finds::a_page_begins_after_any_key
            finds::a_record_is_found_under_each_of_its_lookups
            finds::lookups_are_left_or_replaced_by_a_put
            finds::lookups_are_deleted_with_their_record
            finds::a_question_that_no_index_answers_is_refused
            isolation::the_same_key_in_two_tenants_is_two_records
            isolation::sto_08_a_foreign_record_is_none
            isolation::sto_08_foreign_records_are_not_found
            isolation::sto_08_foreign_records_cannot_be_changed
            isolation::conflicts_never_depend_on_another_tenants_rows
            isolation::sto_08_foreign_work_cannot_be_claimed_or_finished
            isolation::a_claim_says_whose_the_work_is
            isolation::sto_08_foreign_entries_are_not_read
            log::aud_02_an_entry_is_read_as_it_was_written
            log::entries_are_read_by_time_oldest_first
            log::pages_of_entries_show_each_once
            log::entries_of_a_subject_are_read_without_others
            log::open_entries_are_those_without_a_number
            log::aud_02_a_fold_numbers_leaves_in_their_order
            log::aud_02_a_fold_from_another_head_is_refused
            log::aud_02_a_number_once_given_never_changes
            log::aud_02_a_leaf_that_is_not_in_the_log_is_refused
            log::aud_02_numbered_entries_are_read_by_their_numbers
            races::of_many_deletes_of_one_version_one_wins
            races::of_many_writers_over_one_version_one_wins
            races::of_many_creators_of_one_record_one_wins
            races::of_many_writers_over_an_expired_record_one_wins
            races::one_batch_sent_many_times_at_once_happens_once
            races::a_check_is_held_against_a_concurrent_erasure
            races::of_two_commits_that_check_each_others_record_one_wins
            races::a_check_for_absence_is_held_too
            races::commits_in_opposite_orders_do_not_block_each_other
            races::tenants_do_not_disturb_each_other
            races::ref_02_no_work_is_held_twice
            races::ref_02_one_piece_of_work_is_held_by_one
            races::aud_02_of_many_folds_of_the_same_leaves_one_wins
            races::a_read_is_of_one_moment
            races::ref_04_a_commit_whose_caller_went_away_is_whole
            reads::a_record_is_read_as_it_was_written
            reads::answers_come_in_the_order_of_the_keys
            reads::a_read_of_no_key_answers_the_time_and_the_control_row
            reads::a_snapshot_has_the_time_of_the_stores_clock
            reads::an_expired_record_is_absent
            reads::a_thousand_keys_are_one_read
            reads::more_than_a_thousand_keys_are_refused
            reads::bodies_at_the_limit_come_back_whole
            reads::the_control_row_is_seen_by_every_read
            reads::a_read_sees_the_latest_acknowledged_commit
            reads::what_was_acknowledged_is_there_when_opened_again
            sweeps::a_sweep_deletes_expired_records_alone
            sweeps::a_sweep_keeps_to_its_limit
            sweeps::a_sweep_deletes_lookups_with_their_record
            sweeps::a_sweep_touches_neither_work_nor_the_log
            sweeps::a_tally_counts_live_records_by_facet
            work::work_is_due_at_its_time
            work::scheduling_again_moves_the_due_time
            work::never_removes_work
            work::scheduling_never_shortens_a_lease
            work::never_removes_only_what_nobody_holds
            work::scheduling_never_resets_tries
            work::a_finish_begins_anew
            work::a_finish_with_never_removes_the_work
            work::ref_05_a_finish_is_refused_unless_the_claim_stands
            work::work_survives_its_record
            work::work_planned_anew_never_matches_a_stale_holder
        }
    };
    ($harness:expr) => {
        $crate::conformance_tests! { @each tests [$harness] }
    };
}

/// The names of all sentences, as `module::function`.
pub const SENTENCES: &[&str] = crate::conformance_tests! { @each names [] };

/// Runs the whole suite, one sentence after the other.
pub async fn run_all(harness: &dyn Harness) {
    crate::conformance_tests! { @each run [harness] }
}
