//! Names near to one that was mistyped.

/// How many suggestions are made.
const MAX_SUGGESTIONS: usize = 5;

/// The names nearest to what was typed: those that hold it or share its words, then those with
/// the fewest letters wrong.
pub(super) fn suggestions<'a>(typed: &str, names: &[&'a str]) -> Vec<&'a str> {
    let typed: String = typed.to_ascii_uppercase().chars().take(80).collect();
    let mut near: Vec<(usize, &str)> = names
        .iter()
        .filter_map(|name| {
            let upper = name.to_ascii_uppercase();
            let wrong = distance(&typed, &upper);
            let is_part = typed.len() >= 3 && (upper.contains(&typed) || typed.contains(&upper));
            let has_word = typed.split(['-', '_', ' ']).any(|word| {
                word.len() >= 4 && name.split('-').any(|part| part.eq_ignore_ascii_case(word))
            });
            match wrong {
                _ if is_part => Some((0, *name)),
                wrong if wrong <= 2 + name.len() / 8 => Some((wrong, *name)),
                _ if has_word => Some((wrong + 10, *name)),
                _ => None,
            }
        })
        .collect();
    near.sort_unstable();
    near.into_iter().take(MAX_SUGGESTIONS).map(|(_, name)| name).collect()
}

/// How many letters have to be put in, taken out or changed (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let change = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggestions_are_near_in_letters_or_in_words() {
        let names =
            ["HS-REQ-METHOD", "HS-RES-ACCEPT-VALUE", "HS-RES-ACCEPT-SINGLE", "CLS-NO-CLOSE"];
        assert_eq!(suggestions("hs-req-methd", &names), ["HS-REQ-METHOD"]);
        let accepts = ["HS-RES-ACCEPT-SINGLE", "HS-RES-ACCEPT-VALUE"];
        assert_eq!(suggestions("accept", &names), accepts);
        let nearest_first = ["HS-RES-ACCEPT-VALUE", "HS-RES-ACCEPT-SINGLE"];
        assert_eq!(suggestions("the accept value", &names), nearest_first);
        assert_eq!(suggestions("xyzzy", &names), [""; 0]);
    }
}
