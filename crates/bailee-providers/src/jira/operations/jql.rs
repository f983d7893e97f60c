//! What is looked at in a search expression before it leaves.

/// The most fields that a search may be ordered by.
const MOST_ORDERS: usize = 7;

/// Whether a search expression is bounded: something restricts it besides its order, and it is
/// ordered by seven fields at most. Jira refuses others.
pub(super) fn is_bounded(jql: &str) -> bool {
    let plain = without_quotes(jql);
    let words: Vec<&str> = plain.split_whitespace().collect();
    let order = words.windows(2).position(|pair| {
        pair[0].eq_ignore_ascii_case("order") && pair[1].eq_ignore_ascii_case("by")
    });
    let (restriction, order) = match order {
        Some(at) => (&words[..at], &words[at + 2..]),
        None => (words.as_slice(), &[][..]),
    };
    let restricts = restriction.iter().any(|word| word.chars().any(|c| !"()".contains(c)));
    let fields = if order.is_empty() { 0 } else { order.join(" ").matches(',').count() + 1 };
    restricts && fields <= MOST_ORDERS
}

/// The expression with a letter in the place of what stands between quotes.
fn without_quotes(jql: &str) -> String {
    let mut plain = String::with_capacity(jql.len());
    let (mut quote, mut escaped) = (None, false);
    for c in jql.chars() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '\'') => {
                quote = Some(c);
                plain.push('x');
            }
            None => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::is_bounded;

    #[test]
    fn an_expression_has_to_restrict_something_besides_its_order() {
        for jql in [
            "project = DEMO",
            "project = DEMO order by created",
            "text ~ \"order by\" ORDER  BY created desc, key",
            "(project = DEMO)",
            "summary ~ 'it\\'s' order by a, b, c, d, e, f, g",
            "\"order by\" is not empty",
            "border = by",
        ] {
            assert!(is_bounded(jql), "{jql}");
        }
        for jql in [
            "",
            "  ",
            "order by created",
            "ORDER\tBY created",
            "() order by key",
            "project = DEMO order by a, b, c, d, e, f, g, h",
        ] {
            assert!(!is_bounded(jql), "{jql}");
        }
    }
}
