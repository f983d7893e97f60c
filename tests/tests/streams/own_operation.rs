//! A host's own operation, as short as it may be.

use super::*;

/// Reads one note.
struct ReadNote(u64);

static READ_NOTE: OperationFacts = OperationFacts {
    name: "notes.list",
    provider: PROVIDER,
    scopes: READ,
    effect: Effect::Read,
    method: Method::GET,
    path: "/notes/{id}",
    sends: &[],
    reads: &["content"],
    credential: USER,
};

impl Operation for ReadNote {
    type Output = String;

    fn facts(&self) -> &OperationFacts {
        &READ_NOTE
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<String>> {
        JsonCall::new(cx, &READ_NOTE)
            .part("id", &self.0.to_string())
            .read(|mut note: serde_json::Value| Ok(note["text"].take().to_string()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_s_own_operation_is_called_like_any_other() {
    let scene = Scene::with_notes(2).await;
    let text = scene.acting().call(&scene.connection, &ReadNote(1)).await.unwrap();
    assert_eq!(text, "\"note 1\"");
    let error = scene.acting().call(&scene.connection, &ReadNote(7)).await.unwrap_err();
    assert_eq!(error.kind(), bailee::ErrorKind::InvalidInput);
}
