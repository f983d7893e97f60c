//! The order of an erasure: children before what they belong to.

/// Puts tables into an order in which each stands before those that it refers to, and otherwise as
/// they were written.
///
/// # Errors
///
/// The tables of a circle, in its order.
pub(super) fn children_first(refers_to: &[Vec<usize>]) -> Result<Vec<usize>, Vec<usize>> {
    let count = refers_to.len();
    let mut placed = vec![false; count];
    let mut order = Vec::with_capacity(count);
    while order.len() < count {
        let free = |table: &usize| {
            !placed[*table]
                && (0..count).all(|child| placed[child] || !refers_to[child].contains(table))
        };
        match (0..count).find(free) {
            Some(table) => {
                placed[table] = true;
                order.push(table);
            }
            None => return Err(circle(refers_to, &placed)),
        }
    }
    Ok(order)
}

/// A circle among the tables that have no place. Each of them is referred to by another of them, so
/// that walking back from one comes to one that was seen.
fn circle(refers_to: &[Vec<usize>], placed: &[bool]) -> Vec<usize> {
    let open = |table: &usize| !placed[*table];
    let mut walked: Vec<usize> = (0..placed.len()).find(open).into_iter().collect();
    while let Some(last) = walked.last().copied() {
        let child = (0..placed.len()).filter(open).find(|child| refers_to[*child].contains(&last));
        let Some(child) = child else { break };
        if let Some(at) = walked.iter().position(|seen| *seen == child) {
            walked.drain(..at);
            break;
        }
        walked.push(child);
    }
    walked.reverse();
    walked
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn children_come_first_and_the_rest_stays_as_it_was() {
        assert_eq!(children_first(&[vec![], vec![0], vec![1], vec![]]), Ok(vec![2, 1, 0, 3]));
        assert_eq!(children_first(&[vec![], vec![]]), Ok(vec![0, 1]));
    }

    #[test]
    fn a_circle_is_named_without_what_hangs_on_it() {
        assert_eq!(children_first(&[vec![0]]), Err(vec![0]));
        let mut circle = children_first(&[vec![], vec![2, 0], vec![3], vec![1]]).unwrap_err();
        circle.sort_unstable();
        assert_eq!(circle, [1, 2, 3]);
    }

    proptest! {
        #[test]
        fn every_order_holds_or_names_a_circle(edges in prop::collection::vec((0..7usize, 0..7usize), 0..14)) {
            let mut refers_to = vec![Vec::new(); 7];
            for (child, parent) in edges {
                refers_to[child].push(parent);
            }
            match children_first(&refers_to) {
                Ok(order) => {
                    let place = |table| order.iter().position(|at| *at == table).unwrap();
                    for (child, parents) in refers_to.iter().enumerate() {
                        for parent in parents {
                            prop_assert!(place(child) < place(*parent));
                        }
                    }
                }
                Err(circle) => {
                    prop_assert!(!circle.is_empty());
                    for (n, table) in circle.iter().enumerate() {
                        let next = circle[(n + 1) % circle.len()];
                        prop_assert!(refers_to[*table].contains(&next));
                    }
                }
            }
        }
    }
}
