//! What can be watched step by step: how the Accept comes about, how a payload is unmasked. All of
//! it stands on the page; the script only hides it and shows it again one step at a time.

use super::{Clipped, Shown};
use crate::recording::FrameFacts;
use crate::render::escape;
use crate::websocket::accept::{self, GUID};
use maud::{Markup, html};

/// So many bytes are unmasked before the class's eyes.
const MAX_STEPS: usize = 16;

fn controls(name: &str) -> Markup {
    html! {
        p.controls hidden {
            button type="button" data-do="play" { "▶ " (name) }
            button type="button" data-do="next" { "Step" }
            button type="button" data-do="all" { "All" }
        }
    }
}

/// From the key to the Accept (RFC 6455 §4.2.2, step 5.4).
pub(super) fn accept(key: &[u8], found: Option<&[u8]>) -> Markup {
    let steps = accept::derive(key);
    let groups = steps.digest.chunks(3).zip(steps.accept.as_bytes().chunks(4));
    let is_right = found == Some(steps.accept.as_bytes());
    html! {
        section.steps data-steps="accept" {
            h3 { "How the Accept comes about" }
            (controls("Play the derivation"))
            ol.chain {
                li data-step { span.what { "The key, as the client sent it: 16 random bytes in Base64, if all is well" } code.r-key { (Clipped(key, 200)) } }
                li data-step { span.what { "The server appends the GUID of WebSocket, the same in every handshake" } code { span.r-key { (Clipped(key, 200)) } span.r-opcode { (GUID) } } }
                li data-step { span.what { "It hashes these characters with SHA-1: 20 bytes" } code.r-code { (escape::hex(&steps.digest)) } }
                li data-step { span.what { "It writes the digest in Base64: every 3 bytes become 4 characters" }
                    span.groups { @for (bytes, characters) in groups {
                        span.group { span.r-code { (escape::hex(bytes)) } span.r-payload { (Shown(characters)) } }
                    } }
                }
                li data-step { span.what { "That is the Accept; the client computes the same and compares" }
                    code.r-payload { (steps.accept) }
                    @match found {
                        Some(_) if is_right => span.good { "✓ this is what the server sent" },
                        Some(found) => span.bad { "✗ the server sent " code { (Clipped(found, 200)) } },
                        None => span.bad { "✗ the server sent none" },
                    }
                }
            }
            p.say aria-live="polite" {}
        }
    }
}

/// A masked payload, byte by byte (RFC 6455 §5.3).
pub(super) fn unmasking(frame: &FrameFacts) -> Markup {
    let payload = frame.payload();
    let Some(key) = frame.key().filter(|_| !payload.is_empty()) else { return html! {} };
    let shown = payload.len().min(MAX_STEPS);
    let masked = &frame.wire[frame.header_length()..][..shown];
    let plain = &payload[..shown];
    let hex = |byte: u8| format!("{byte:02x}");
    html! {
        section.steps data-steps="unmask" {
            h3 { "Unmasking: byte i ⊕ key byte i mod 4" }
            (controls("Play the unmasking"))
            div.scroll tabindex="0" role="region" aria-label="Unmasking, byte by byte" {
                table.xor {
                    tbody {
                        tr { th scope="row" { "i" } @for i in 0..shown { td { (i) } } }
                        tr.r-payload.masked { th scope="row" { "masked" } @for byte in masked { td data-masked { (hex(*byte)) } } }
                        tr.r-key { th scope="row" { "⊕ key" } @for i in 0..shown { td data-key { (hex(key[i % 4])) } } }
                        tr.result { th scope="row" { "= byte" } @for byte in plain { td data-step { (hex(*byte)) } } }
                        tr.char { th scope="row" { "as text" } @for byte in plain { td data-char { (escape::byte(*byte).to_string()) } } }
                    }
                }
            }
            p.say aria-live="polite" {}
            @if frame.length().is_some_and(|length| length > shown as u64) { p.faint { "The first " (shown) " bytes; the key starts over every four." } }
        }
    }
}
