//! Which site a host belongs to (RFC 6454; the registrable domain is guessed by its shape).

use crate::rules::route::Place;
use std::borrow::Cow;
use std::net::IpAddr;

/// The host of an origin that a web page has; none for other schemes and for `null`.
pub(super) fn of_origin(origin: &[u8]) -> Option<Cow<'_, str>> {
    let (scheme, rest) = origin.split_at_checked(memchr::memchr(b':', origin)?)?;
    let is_web = [&b"http"[..], b"https"].iter().any(|web| scheme.eq_ignore_ascii_case(web));
    if is_web { of_authority(rest.strip_prefix(b"://")?) } else { None }
}

/// The host of `host`, `host:port` or `[address]:port`, in lower case.
pub(super) fn of_authority(authority: &[u8]) -> Option<Cow<'_, str>> {
    let text = std::str::from_utf8(authority).ok()?.trim();
    let host = match text.strip_prefix('[') {
        Some(rest) => rest.split(']').next()?,
        None => &text[..text.bytes().position(|b| matches!(b, b':' | b'/')).unwrap_or(text.len())],
    };
    let host = host.trim_end_matches('.');
    let is_lower = !host.bytes().any(|byte| byte.is_ascii_uppercase());
    let host = if is_lower { Cow::Borrowed(host) } else { Cow::Owned(host.to_ascii_lowercase()) };
    (!host.is_empty()).then_some(host)
}

/// False once it is certain that this names no service of the same machine or network: addresses begin
/// with a digit or a bracket.
pub(super) fn may_be_local(authority: &[u8]) -> bool {
    let is_name = authority.first().is_some_and(u8::is_ascii_alphabetic);
    let host = authority.split(|b| matches!(b, b':' | b'/')).next().unwrap_or_default();
    let is_localhost = host.len() >= 9 && host[host.len() - 9..].eq_ignore_ascii_case(b"localhost");
    !is_name || is_localhost || host.ends_with(b".") || !authority.iter().all(u8::is_ascii_graphic)
}

/// True for names and addresses of the same machine.
pub(super) fn is_loopback(host: &str) -> bool {
    let is_name = host == "localhost" || host.ends_with(".localhost");
    is_name || address(host).is_some_and(|address| Place::of(address) == Place::Loopback)
}

/// True for names and addresses that mean something in one's own network only.
pub(super) fn is_own(host: &str) -> bool {
    const OWN: [&str; 8] =
        [".localhost", ".local", ".internal", ".lan", ".home", ".intranet", ".test", ".arpa"];
    match address(host) {
        Some(address) => Place::of(address) != Place::Public,
        None => !host.contains('.') || OWN.iter().any(|end| host.ends_with(end)),
    }
}

pub(super) fn address(host: &str) -> Option<IpAddr> {
    // To see that a name is none takes a look at its end.
    let may_be = host.contains(':') || host.ends_with(|c: char| c.is_ascii_digit());
    if may_be { host.parse().ok() } else { None }
}

/// True if both hosts are of one site: their last two labels are the same, or three where the
/// country's second level is a kind of organisation, as in `example.co.uk`.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    one == other || address(one).is_none() && address(other).is_none() && site(one) == site(other)
}

fn site(host: &str) -> &str {
    let dot_before = |end: usize| memchr::memrchr(b'.', &host.as_bytes()[..end]);
    let Some(last) = dot_before(host.len()) else { return host };
    let Some(second) = dot_before(last) else { return host };
    let is_public_suffix = host.len() - last - 1 == 2 && last - second - 1 <= 3;
    let before = if is_public_suffix { dot_before(second) } else { Some(second) };
    before.map_or(host, |at| &host[at + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_one_organisation_are_one_site() {
        assert!(is_same("app.example.com", "ws.example.com"));
        assert!(is_same("example.com", "ws.eu.example.com"));
        assert!(is_same("a.shop.co.uk", "shop.co.uk"));
        assert!(!is_same("bank.example", "evil.example"));
        assert!(!is_same("shop.co.uk", "bank.co.uk"));
        assert!(!is_same("10.0.0.1", "10.1.0.1"));
    }

    #[test]
    fn the_host_of_an_origin_has_no_port() {
        assert_eq!(of_origin(b"https://App.example.com:8443").as_deref(), Some("app.example.com"));
        assert_eq!(of_origin(b"http://[::1]:80").as_deref(), Some("::1"));
        assert_eq!(of_origin(b"chrome-extension://abc"), None);
        assert_eq!(of_origin(b"null"), None);
        assert!(is_own("backend") && is_own("192.168.0.9") && !is_own("example.com"));
    }
}
