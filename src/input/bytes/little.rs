//! Groups with their last byte first, as `xxd -e` writes them. Nothing but the column of characters
//! tells them from the groups of `xxd -g 4`, so it is read for this alone.

/// xxd puts 256 bytes into a line at most: their digits, a space for each, and characters.
const MAX_LINE: usize = 1024 + 64;

/// The groups of digits of a line, each with its place, if the column of characters shows that each
/// has its last byte first. `rest` is the line behind its offset.
pub(super) fn groups(rest: &str) -> Option<Vec<(usize, &str)>> {
    match order(rest) {
        Some((Order::Last, groups)) => Some(groups),
        _ => None,
    }
}

/// True if at least one of these lines must have its groups turned around, and none must not.
pub(super) fn is_turned<'a>(lines: impl Iterator<Item = &'a str>) -> bool {
    let mut turned = false;
    for (order, _) in lines.filter_map(order) {
        match order {
            Order::First => return false,
            Order::Last => turned = true,
            Order::Either => {}
        }
    }
    turned
}

/// Which byte of a group stands first.
enum Order {
    First,
    Last,
    /// The characters fit both.
    Either,
}

/// Reads a line from its end: how many groups there are follows from how many characters are left.
fn order(rest: &str) -> Option<(Order, Vec<(usize, &str)>)> {
    if rest.len() > MAX_LINE {
        return None;
    }
    let start = |word: &str| word.as_ptr() as usize - rest.as_ptr() as usize;
    let words: Vec<(usize, &str)> =
        rest.split_ascii_whitespace().map(|word| (start(word), word)).collect();
    let is_group = |word: &str| {
        word.len().is_multiple_of(2)
            && word.len() <= 32
            && word.bytes().all(|c| c.is_ascii_hexdigit())
    };
    let most = words.iter().take_while(|(_, word)| is_group(word)).count();
    (1..=most).rev().find_map(|count| {
        let groups = &words[..count];
        let (at, last) = groups[count - 1];
        let characters = rest.get(at + last.len()..)?.strip_prefix("  ")?;
        let straight = bytes(groups, false);
        let turned = bytes(groups, true);
        let order = match (shows(characters, &straight), shows(characters, &turned)) {
            (true, true) => Order::Either,
            (true, false) => Order::First,
            (false, true) => Order::Last,
            (false, false) => return None,
        };
        Some((order, groups.to_vec()))
    })
}

fn bytes(groups: &[(usize, &str)], turned: bool) -> Vec<u8> {
    let mut all = Vec::new();
    for (_, group) in groups {
        let first = all.len();
        super::plain::push_digits(group, &mut all);
        if turned {
            all[first..].reverse();
        }
    }
    all
}

/// True if that is what the column shows for these bytes, spaces at its ends aside.
fn shows(characters: &str, bytes: &[u8]) -> bool {
    let shown = bytes.iter().map(|&byte| match byte {
        0x20..=0x7e => char::from(byte),
        _ => '.',
    });
    let shown: String = shown.collect();
    shown.trim() == characters.trim()
}
