//! The names nearest to one that does not exist, for an error that helps.

/// How many suggestions are made.
const MAX_SUGGESTIONS: usize = 5;

/// No more of what was typed is looked at.
const MAX_TYPED: usize = 80;

/// The names nearest to what was typed: those that hold it or share its words, then those with
/// the fewest letters wrong. ASCII case does not matter.
pub fn nearest<'a>(typed: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let typed: String = typed.to_ascii_uppercase().chars().take(MAX_TYPED).collect();
    let mut near: Vec<(usize, &str)> = names
        .into_iter()
        .filter_map(|name| Some((badness(&typed, &name.to_ascii_uppercase())?, name)))
        .collect();
    near.sort_unstable();
    near.dedup();
    near.into_iter().take(MAX_SUGGESTIONS).map(|(_, name)| name).collect()
}

/// How far a name is from what was typed; none if too far.
fn badness(typed: &str, name: &str) -> Option<usize> {
    // Two letters that changed places are one mistake.
    let wrong = strsim::osa_distance(typed, name);
    let has_word = typed
        .split(['-', '_', ' '])
        .any(|word| word.len() >= 4 && name.split(['-', '_']).any(|part| part == word));
    match wrong {
        _ if typed.len() >= 3 && name.contains(typed) => Some(0),
        wrong if wrong <= allowed(typed.len().min(name.len())) => Some(wrong),
        _ if 2 * name.len() >= typed.len() && typed.contains(name) => Some(5),
        _ if has_word => Some(wrong + 10),
        _ => None,
    }
}

/// How many letters may be wrong: in a short word almost none, or it is another one.
fn allowed(length: usize) -> usize {
    match length {
        0..=3 => 0,
        4..=5 => 1,
        length => 2 + length / 8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggestions_are_near_in_letters_or_in_words() {
        let names =
            ["HS-REQ-METHOD", "HS-RES-ACCEPT-VALUE", "HS-RES-ACCEPT-SINGLE", "CLS-NO-CLOSE"];
        assert_eq!(nearest("hs-req-methd", names), ["HS-REQ-METHOD"]);
        let accepts = ["HS-RES-ACCEPT-SINGLE", "HS-RES-ACCEPT-VALUE"];
        assert_eq!(nearest("accept", names), accepts);
        let nearest_first = ["HS-RES-ACCEPT-VALUE", "HS-RES-ACCEPT-SINGLE"];
        assert_eq!(nearest("the accept value", names), nearest_first);
        assert_eq!(nearest("xyzzy", names), [""; 0]);
        assert_eq!(nearest("msaking", ["masking", "fin", "key"]), ["masking"]);
        let short = ["frame", "close", "ping"];
        assert_eq!(nearest("frmae", short), ["frame"]);
        assert_eq!(nearest("clsoe", short), ["close"]);
        assert_eq!(nearest("pnig", short), ["ping"]);
    }
}
