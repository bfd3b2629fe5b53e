//! What a page says that came instead of an upgrade: its words, without its markup.

/// No more of a page than this is looked at.
const LOOKED_AT: usize = 4096;

/// The words of a body: of HTML what a reader would see, its title first, each piece once; of
/// anything else its first line.
///
/// ```
/// use ws101::http::page::says;
/// let page = b"<html><head><title>Error</title></head><body><pre>Cannot GET /</pre></body>";
/// assert_eq!(says(page), "Error \u{b7} Cannot GET /");
/// assert_eq!(says(b"no such room\n\n"), "no such room");
/// ```
pub fn says(body: &[u8]) -> String {
    let body = &body[..body.len().min(LOOKED_AT)];
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start();
    if !text.starts_with('<') {
        return text.lines().next().unwrap_or_default().trim_end().to_owned();
    }
    let mut pieces: Vec<String> = Vec::new();
    for piece in visible(text) {
        let words = piece.split_whitespace().collect::<Vec<_>>().join(" ");
        if !words.is_empty() && !pieces.iter().any(|known| known.contains(&words)) {
            pieces.push(words);
        }
    }
    unescaped(&pieces.join(" \u{b7} "))
}

/// The texts between the tags, without those that no reader sees.
fn visible(mut text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    while let Some(tag) = text.find('<') {
        pieces.push(&text[..tag]);
        let rest = &text[tag..];
        let unseen = [("<script", "</script"), ("<style", "</style"), ("<!--", "-->")];
        let starts =
            |start: &str| rest.get(..start.len()).is_some_and(|it| it.eq_ignore_ascii_case(start));
        let close = unseen.iter().find(|(start, _)| starts(start)).map(|(_, close)| *close);
        let inside = match close {
            // What was cut off inside of them is not seen either.
            Some(close) => rest.find(close).unwrap_or(rest.len()),
            None => 0,
        };
        let end = rest[inside..].find('>').map_or(rest.len(), |end| inside + end + 1);
        text = &rest[end..];
    }
    pieces.push(text);
    pieces
}

/// The five characters that HTML can't do without.
fn unescaped(text: &str) -> String {
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")]
        .iter()
        .fold(text.to_owned(), |text, (escape, c)| text.replace(escape, c))
}

#[cfg(test)]
mod tests {
    use super::says;

    #[test]
    fn markup_is_left_out_and_nothing_is_said_twice() {
        let nginx = b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n\
            <center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>";
        assert_eq!(says(nginx), "502 Bad Gateway \u{b7} nginx");
        let styled =
            b"<!DOCTYPE html><style>p { color: red }</style><p>no &lt;room&gt;</p><script>x";
        assert_eq!(says(styled), "no <room>");
        for end in 0..nginx.len() {
            says(&nginx[..end]);
        }
        assert_eq!(says(b"<style>never closed \xc3"), "");
        assert_eq!(says(b""), "");
    }
}
