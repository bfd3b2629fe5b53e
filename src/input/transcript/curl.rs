//! The words of a `curl` command as curl reads them: options with their arguments, and URLs. What
//! an option takes is no URL, least of all a password.

/// Options that take an argument, by their long names (curl's manual, up to curl 8.17, with those
/// that older versions had).
const WITH_ARGUMENT: &[&str] = &[
    "abstract-unix-socket",
    "alt-svc",
    "aws-sigv4",
    "cacert",
    "capath",
    "cert",
    "cert-type",
    "ciphers",
    "config",
    "connect-timeout",
    "connect-to",
    "continue-at",
    "cookie",
    "cookie-jar",
    "create-file-mode",
    "crlfile",
    "curves",
    "data",
    "data-ascii",
    "data-binary",
    "data-raw",
    "data-urlencode",
    "delegation",
    "dns-interface",
    "dns-ipv4-addr",
    "dns-ipv6-addr",
    "dns-servers",
    "doh-url",
    "dump-header",
    "ech",
    "egd-file",
    "engine",
    "etag-compare",
    "etag-save",
    "expect100-timeout",
    "form",
    "form-string",
    "ftp-account",
    "ftp-alternative-to-user",
    "ftp-method",
    "ftp-port",
    "ftp-ssl-ccc-mode",
    "happy-eyeballs-timeout-ms",
    "haproxy-clientip",
    "header",
    "help",
    "hostpubmd5",
    "hostpubsha256",
    "hsts",
    "interface",
    "ip-tos",
    "ipfs-gateway",
    "json",
    "keepalive-cnt",
    "keepalive-time",
    "key",
    "key-type",
    "knownhosts",
    "krb",
    "krb4",
    "libcurl",
    "limit-rate",
    "local-port",
    "login-options",
    "mail-auth",
    "mail-from",
    "mail-rcpt",
    "max-filesize",
    "max-redirs",
    "max-time",
    "netrc-file",
    "noproxy",
    "oauth2-bearer",
    "output",
    "output-dir",
    "parallel-max",
    "parallel-max-host",
    "pass",
    "pinnedpubkey",
    "preproxy",
    "proto",
    "proto-default",
    "proto-redir",
    "proxy",
    "proxy-cacert",
    "proxy-capath",
    "proxy-cert",
    "proxy-cert-type",
    "proxy-ciphers",
    "proxy-crlfile",
    "proxy-header",
    "proxy-key",
    "proxy-key-type",
    "proxy-pass",
    "proxy-pinnedpubkey",
    "proxy-service-name",
    "proxy-tls13-ciphers",
    "proxy-tlsauthtype",
    "proxy-tlspassword",
    "proxy-tlsuser",
    "proxy-user",
    "proxy1.0",
    "pubkey",
    "quote",
    "random-file",
    "range",
    "rate",
    "referer",
    "request",
    "request-target",
    "resolve",
    "retry",
    "retry-delay",
    "retry-max-time",
    "sasl-authzid",
    "service-name",
    "sigalgs",
    "socks4",
    "socks4a",
    "socks5",
    "socks5-gssapi-service",
    "socks5-hostname",
    "speed-limit",
    "speed-time",
    "ssl-sessions",
    "stderr",
    "telnet-option",
    "tftp-blksize",
    "time-cond",
    "tls-max",
    "tls13-ciphers",
    "tlsauthtype",
    "tlspassword",
    "tlsuser",
    "trace",
    "trace-ascii",
    "trace-config",
    "unix-socket",
    "upload-file",
    "upload-flags",
    "url",
    "url-query",
    "user",
    "user-agent",
    "variable",
    "vlan-priority",
    "write-out",
];

/// The short names of options that take an argument.
const SHORT_WITH_ARGUMENT: &[(char, &str)] = &[
    ('A', "user-agent"),
    ('C', "continue-at"),
    ('D', "dump-header"),
    ('E', "cert"),
    ('F', "form"),
    ('H', "header"),
    ('K', "config"),
    ('P', "ftp-port"),
    ('Q', "quote"),
    ('T', "upload-file"),
    ('U', "proxy-user"),
    ('X', "request"),
    ('Y', "speed-limit"),
    ('b', "cookie"),
    ('c', "cookie-jar"),
    ('d', "data"),
    ('e', "referer"),
    ('h', "help"),
    ('m', "max-time"),
    ('o', "output"),
    ('r', "range"),
    ('t', "telnet-option"),
    ('u', "user"),
    ('w', "write-out"),
    ('x', "proxy"),
    ('y', "speed-time"),
    ('z', "time-cond"),
];

/// The short names of options without an argument that matter here.
const SHORT_FLAGS: &[(char, &str)] =
    &[('0', "http1.0"), ('G', "get"), ('I', "head"), (':', "next")];

/// Options without an argument whose names others with one begin with: they are no abbreviations.
const FLAGS: [&str; 8] =
    ["crlf", "ftp-ssl", "ftp-ssl-ccc", "head", "netrc", "parallel", "socks5-gssapi", "ssl"];

/// Something on the command line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Given<'a> {
    /// An option by its long name, with its argument; empty if it takes none.
    Option(&'a str, &'a str),
    Url(&'a str),
}

/// The command line behind `curl`, up to where another command begins.
pub(super) fn read(words: &[String]) -> Vec<Given<'_>> {
    let mut given = Vec::new();
    let mut words = words.iter().map(String::as_str);
    let mut are_options_over = false;
    while let Some(word) = words.next() {
        match word {
            "|" | ";" | "&&" | "||" | "&" => break,
            _ if are_options_over || word == "-" || !word.starts_with('-') => {
                given.push(Given::Url(word));
            }
            "--" => are_options_over = true,
            _ => match word.strip_prefix("--") {
                Some(long) => {
                    let (name, attached) = match long.split_once('=') {
                        Some((name, value)) => (name, Some(value)),
                        None => (long, None),
                    };
                    let name = name.strip_prefix("expand-").unwrap_or(name);
                    given.push(match with_argument(name) {
                        Some(name) => {
                            let value = attached.or_else(|| words.next());
                            Given::Option(name, value.unwrap_or_default())
                        }
                        None => Given::Option(name, ""),
                    });
                }
                None => short(&word[1..], || words.next(), &mut given),
            },
        }
    }
    given
}

/// The option of that name, or of which that is the beginning, as curl allowed for long.
fn with_argument(name: &str) -> Option<&'static str> {
    let known = WITH_ARGUMENT.iter().find(|known| **known == name);
    let is_abbreviation = |known: &&&str| name.len() > 1 && known.starts_with(name);
    let begun = || WITH_ARGUMENT.iter().filter(|_| !FLAGS.contains(&name)).find(is_abbreviation);
    known.or_else(begun).copied()
}

/// Short options in one word, of which the first with an argument takes the rest of the word, or
/// the next one: `-su user:password`, `-XPOST`.
fn short<'a>(letters: &'a str, next: impl FnOnce() -> Option<&'a str>, given: &mut Vec<Given<'a>>) {
    let find = |list: &[(char, &'static str)], letter: char| {
        list.iter().find(|(known, _)| *known == letter).map(|(_, name)| *name)
    };
    for (at, letter) in letters.char_indices() {
        if let Some(name) = find(SHORT_WITH_ARGUMENT, letter) {
            let rest = &letters[at + letter.len_utf8()..];
            let value = if rest.is_empty() { next().unwrap_or_default() } else { rest };
            return given.push(Given::Option(name, value));
        }
        if let Some(name) = find(SHORT_FLAGS, letter) {
            given.push(Given::Option(name, ""));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(command: &str) -> Vec<String> {
        let words: Vec<String> = command.split(' ').map(str::to_owned).collect();
        let given = read(&words).into_iter();
        given.filter_map(|it| matches!(it, Given::Url(_)).then(|| format!("{it:?}"))).collect()
    }

    fn curl(args: &[&str]) -> Option<String> {
        let output = std::process::Command::new("curl").args(args).output().ok()?;
        Some(String::from_utf8(output.stdout).expect("UTF-8"))
    }

    /// What the installed curl itself says of its options: nothing that it calls an argument is
    /// taken for a URL. A curl that is newer than the table may have options that are not in it.
    #[test]
    fn what_curl_calls_an_argument_is_no_url() {
        let version = curl(&["--version"]).unwrap_or_default();
        let numbers = version.split([' ', '.']).skip(1).take(2).map(str::parse);
        let numbers: Vec<u32> = numbers.map_while(Result::ok).collect();
        let Some(help) = curl(&["--help", "all"]).filter(|_| numbers[..] <= [8, 17][..]) else {
            return eprintln!("SKIPPED: there is no curl up to 8.17 to ask, but {version:?}");
        };
        let mut seen = 0;
        for line in help.lines().filter(|line| line.trim_start().starts_with('-')) {
            let names = line.trim_start().split([' ', ',']).filter(|word| word.starts_with('-'));
            let names: Vec<&str> = names.take_while(|word| word.len() > 1).take(2).collect();
            let long = names.iter().position(|name| name.starts_with("--")).unwrap_or(0);
            let behind = line.split(names[long]).nth(1).unwrap_or_default();
            let takes_one = behind.starts_with(" <") || behind.starts_with(" [protocol");
            for name in &names[..=long] {
                let found = urls(&format!("{name} user:password https://example.com/"));
                let expected = if takes_one { 1 } else { 2 };
                assert_eq!(found.len(), expected, "{name}: {found:?}");
                seen += u32::from(takes_one);
            }
        }
        assert!(seen > 100, "{seen}: is that curl?");
    }

    #[test]
    fn options_are_read_bundled_attached_and_abbreviated() {
        let words: Vec<String> = "-sSu a:b -XPUT --user=c:d --use e:f --head -sI -- -u"
            .split(' ')
            .map(str::to_owned)
            .collect();
        let option = Given::Option;
        let expected = [
            option("user", "a:b"),
            option("request", "PUT"),
            option("user", "c:d"),
            option("user", "e:f"),
            option("head", ""),
            option("head", ""),
            Given::Url("-u"),
        ];
        assert_eq!(read(&words), expected);
    }
}
