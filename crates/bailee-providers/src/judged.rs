//! A step whose answers an adapter looks at before it does.

use crate::{
    answer::Answer,
    context::Context,
    failure::Failure,
    json_call::Classify,
    spec::{Spec, SpecFacts},
    step::{Input, Next, Step},
};

/// A default step of a provider that says in its own way what went wrong. What the adapter's table
/// does not know is for the step itself.
pub(crate) struct Judged<S> {
    spec: Spec,
    judge: fn(&SpecFacts, &Answer) -> Option<Failure>,
    step: S,
}

impl<S> Judged<S> {
    pub(crate) fn boxed<T>(cx: &Context<'_>, step: S, judge: Classify) -> Box<dyn Step<T>>
    where
        S: Step<T> + 'static,
    {
        Box::new(Self { spec: cx.spec.clone(), judge, step })
    }
}

impl<T, S: Step<T>> Step<T> for Judged<S> {
    fn next(&mut self, input: Input) -> Result<Next<T>, Failure> {
        if let Input::Answer(answer) = &input
            && let Some(failure) = (self.judge)(&self.spec, answer)
        {
            return Err(failure);
        }
        self.step.next(input)
    }
}
