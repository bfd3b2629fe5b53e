//! `--deflate PARAMS`: what was agreed about compression, stated by hand (RFC 7692 §7.1).

use super::Failure;
use ws101::http::{Head, HeadRead};
use ws101::render::escape;
use ws101::websocket::extension::{self, Agreement, Deflate};

/// What was agreed in a handshake that had these parameters of permessage-deflate; its name may stand
/// before them.
pub fn agreement(parameters: &str) -> Result<Agreement, Failure> {
    let unreadable = |what: String| {
        let name = extension::PERMESSAGE_DEFLATE;
        Failure::Input(format!(
            "error: these are no parameters of {name}\n  \"{}\"\n  {what}\n  expected: {}, \
             separated by semicolons",
            escape::text(parameters.as_bytes()),
            extension::PARAMETERS.join(", ")
        ))
    };
    if parameters.contains(['\r', '\n', ',']) {
        return Err(unreadable("one element of the header is expected".to_owned()));
    }
    let parameters = parameters.trim().trim_start_matches(extension::PERMESSAGE_DEFLATE);
    let parameters = parameters.trim().trim_matches(';');
    let semicolon = if parameters.trim().is_empty() { "" } else { "; " };
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\n{}: {}{semicolon}{parameters}\r\n\r\n",
        extension::HEADER,
        extension::PERMESSAGE_DEFLATE
    );
    let HeadRead::Head(head, _) = Head::read(head.as_bytes(), 0) else {
        return Err(unreadable("the header can't be read".to_owned()));
    };
    let extension::Extensions { list, faults } = extension::read(&head);
    if let Some(fault) = faults.first() {
        return Err(unreadable(fault.what.to_owned()));
    }
    let Some(element) = list.first() else {
        return Err(unreadable("the header can't be read".to_owned()));
    };
    for parameter in &element.parameters {
        if !extension::PARAMETERS.contains(&parameter.name.as_str()) {
            return Err(unreadable(format!("there is no parameter {}", parameter.name)));
        }
        if let Some(value) = &parameter.value
            && extension::window_bits(value).is_none()
        {
            return Err(unreadable(format!("{}: a window has 8 to 15 bits", parameter.name)));
        }
    }
    let deflate = Some(Deflate::from_extension(element));
    Ok(Agreement { deflate, unknown_extension: false, compression_offered: true })
}
