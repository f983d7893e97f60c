//! Work shared by tasks.

use tokio::task::JoinSet;

/// Does so many pieces, shared by tasks.
///
/// # Panics
///
/// When a piece does.
pub async fn share<F>(
    pieces: usize,
    tasks: usize,
    piece: impl Fn(usize) -> F + Clone + Send + 'static,
) where
    F: Future<Output = ()> + Send,
{
    let mut set = JoinSet::new();
    for task in 0..tasks {
        let piece = piece.clone();
        set.spawn(async move {
            for n in (task..pieces).step_by(tasks) {
                piece(n).await;
            }
        });
    }
    set.join_all().await;
}
