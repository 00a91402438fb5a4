use crate::platform::platform;
use relaykeep_protocol::AddressProblem;
use std::net::{Ipv4Addr, Ipv6Addr};

/// First path segments of the front ends' own pages: from there on a pasted address belongs to
/// the page and not to where the site stands. New API's classic pages lie under `/console`, its
/// newer ones at `/keys`, `/dashboard` and so on; One API's at `/token`, its berry theme's under
/// `/panel`.
const PAGES: [&str; 48] = [
    "about",
    "api-keys",
    "channel",
    "channels",
    "chat",
    "chat2link",
    "console",
    "dashboard",
    "detail",
    "email-bind",
    "forbidden",
    "forgot-password",
    "home",
    "index.html",
    "keys",
    "log",
    "login",
    "logs",
    "midjourney",
    "models",
    "oauth",
    "otp",
    "panel",
    "playground",
    "pricing",
    "privacy-policy",
    "profile",
    "rankings",
    "redemption",
    "redemption-codes",
    "register",
    "reset",
    "setting",
    "settings",
    "setup",
    "sign-in",
    "sign-up",
    "subscriptions",
    "system-settings",
    "task",
    "token",
    "tokens",
    "topup",
    "usage-logs",
    "user",
    "user-agreement",
    "users",
    "wallet",
];

/// Longer than any address a person has.
const LONGEST: usize = 2048;

/// Where a site stands: scheme, host, port and path, without a slash at the end.
/// Two sites may share an origin and differ in the path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BaseUrl {
    text: String,
    /// How much of the text is the origin.
    origin_len: usize,
    host: String,
    in_clear: bool,
    private: bool,
}

impl BaseUrl {
    /// Reads a typed or pasted address. Without a scheme it is taken as `https`, on this machine
    /// itself as `http`. Page paths of the front ends, `/v1`, query and fragment are dropped.
    ///
    /// # Errors
    /// When it is no address, of another scheme, or carries a user name or password.
    pub fn parse(typed: &str) -> Result<Self, AddressProblem> {
        let text = typed
            .trim_matches(|c: char| c.is_whitespace() || c.is_control() || "\"'`<>“”".contains(c));
        if text.is_empty() {
            return Err(AddressProblem::Empty);
        }
        if text.len() > LONGEST || text.chars().any(char::is_whitespace) {
            return Err(AddressProblem::Unreadable);
        }
        let url = (platform().url)(&with_scheme(text)?).ok_or(AddressProblem::Unreadable)?;
        if !matches!(url.scheme.as_str(), "https" | "http") {
            return Err(AddressProblem::Scheme);
        }
        if url.user_info {
            return Err(AddressProblem::UserInfo);
        }
        // URLs allow more in a host than any name has; nothing else is ever needed.
        let named = !url.host.is_empty()
            && url
                .host
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-._[]:".contains(&b));
        if !named {
            return Err(AddressProblem::Unreadable);
        }
        let path = place_path(&url.path);
        Ok(Self {
            origin_len: url.origin.len(),
            private: is_private(&url.host),
            host: url.host,
            in_clear: url.scheme == "http",
            text: url.origin + &path,
        })
    }

    /// Scheme, host and port, as `url::Origin::ascii_serialization` writes them.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.text[..self.origin_len]
    }

    /// The whole address, without a slash at the end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The host; international names in punycode.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The path the site stands at: empty, or with a slash in front.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.text[self.origin_len..]
    }

    /// No TLS: whatever is sent can be read on the way.
    #[must_use]
    pub fn in_clear(&self) -> bool {
        self.in_clear
    }

    /// An address on this machine or in a network of one's own.
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.private
    }

    /// An address on this machine itself: what is sent there does not travel.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let host = self.host.trim_matches(['[', ']']);
        self.host == "localhost"
            || self.host.ends_with(".localhost")
            || host
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    }

    /// The match pattern to ask the browser's permission for (with the port; `webext` takes it
    /// off where the browser knows none).
    #[must_use]
    pub fn permission_pattern(&self) -> String {
        format!("{}/*", self.origin())
    }

    /// The address of a path below the base; the path begins with a slash.
    #[must_use]
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.text)
    }
}

impl std::fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// Adds the scheme where none was typed, and tells `host:port` from `scheme:rest`.
fn with_scheme(text: &str) -> Result<String, AddressProblem> {
    if text.contains("://") {
        return Ok(text.to_owned());
    }
    let host = text.split(['/', '?', '#']).next().unwrap_or_default();
    if host.contains('@') && !host.starts_with("mailto:") {
        return Err(AddressProblem::UserInfo);
    }
    let after_colon = host
        .rsplit_once(':')
        .filter(|_| !host.starts_with('['))
        .map(|(_, rest)| rest);
    if after_colon.is_some_and(|rest| rest.is_empty() || !rest.bytes().all(|b| b.is_ascii_digit()))
    {
        return Err(AddressProblem::Scheme);
    }
    // Nothing leaves the machine towards a loopback address, and TLS is rarely set up there.
    let bare = host
        .trim_start_matches('[')
        .split([']', ':'])
        .next()
        .unwrap_or_default();
    let loopback = bare == "localhost" || bare.starts_with("127.") || host.starts_with("[::1]");
    Ok(format!(
        "{}://{text}",
        if loopback { "http" } else { "https" }
    ))
}

/// The path a site stands at, out of the path of one of its pages.
fn place_path(path: &str) -> String {
    let mut kept = String::new();
    let segments: Vec<&str> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .collect();
    for (at, segment) in segments.iter().enumerate() {
        let lower = segment.to_ascii_lowercase();
        let endpoint = lower == "api"
            && segments
                .get(at + 1)
                .is_some_and(|next| matches!(*next, "status" | "user" | "token" | "notice"));
        if PAGES.contains(&lower.as_str()) || lower == "v1" || lower == "v1beta" || endpoint {
            break;
        }
        kept.push('/');
        // The one quote that addresses leave as it is: it would be taken for one around the text.
        kept.push_str(&segment.replace('\'', "%27"));
    }
    kept
}

fn is_private(host: &str) -> bool {
    if let Some(address) = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
    {
        return address.parse().is_ok_and(|address| is_private_v6(&address));
    }
    if let Ok(address) = host.parse() {
        return is_private_v4(address);
    }
    let name = host.trim_end_matches('.');
    name == "localhost"
        || [".localhost", ".local", ".lan", ".internal", ".home.arpa"]
            .iter()
            .any(|end| name.ends_with(end))
        || !name.contains('.')
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    let [a, b, ..] = address.octets();
    address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_unspecified()
        || (a == 100 && (64..128).contains(&b)) // carriers' own networks, RFC 6598
}

fn is_private_v6(address: &Ipv6Addr) -> bool {
    let first = address.segments()[0];
    address.is_loopback()
        || address.is_unspecified()
        || first & 0xfe00 == 0xfc00
        || first & 0xffc0 == 0xfe80
        || address.to_ipv4_mapped().is_some_and(is_private_v4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(typed: &str, expected: Result<&str, AddressProblem>) {
        let read = BaseUrl::parse(typed);
        assert_eq!(
            read.as_ref()
                .map(BaseUrl::as_str)
                .map_err(|problem| *problem),
            expected,
            "{typed:?}"
        );
    }

    #[test]
    fn an_address_is_brought_to_where_the_site_stands() {
        check("https://relay.example", Ok("https://relay.example"));
        check(" https://Relay.Example/ \n", Ok("https://relay.example"));
        check("relay.example", Ok("https://relay.example"));
        check(
            "relay.example:8443/one",
            Ok("https://relay.example:8443/one"),
        );
        check("https://relay.example:443/", Ok("https://relay.example"));
        check(
            "http://relay.example:3000//",
            Ok("http://relay.example:3000"),
        );
        check(
            "https://relay.example/console/token?p=2#x",
            Ok("https://relay.example"),
        );
        check(
            "https://relay.example/sub/console/personal",
            Ok("https://relay.example/sub"),
        );
        check(
            "https://relay.example/sub/path/",
            Ok("https://relay.example/sub/path"),
        );
        check("https://relay.example/login", Ok("https://relay.example"));
        check(
            "https://relay.example/panel/token",
            Ok("https://relay.example"),
        );
        check("https://relay.example/v1", Ok("https://relay.example"));
        check(
            "https://relay.example/sub/v1/chat/completions",
            Ok("https://relay.example/sub"),
        );
        check(
            "https://relay.example/api/status",
            Ok("https://relay.example"),
        );
        check(
            "https://relay.example/a/../b",
            Ok("https://relay.example/b"),
        );
        check(
            "https://bücher.example/",
            Ok("https://xn--bcher-kva.example"),
        );
        check("https://中转.example", Ok("https://xn--fiqq40n.example"));
        check("[::1]:3000", Ok("http://[::1]:3000"));
        check("localhost:3000/console", Ok("http://localhost:3000"));
        check("127.0.0.1:3101", Ok("http://127.0.0.1:3101"));
        check("192.168.1.5:3000", Ok("https://192.168.1.5:3000"));
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_reason() {
        check("", Err(AddressProblem::Empty));
        check("  \n", Err(AddressProblem::Empty));
        check("javascript:alert(1)", Err(AddressProblem::Scheme));
        check(
            "javascript://relay.example/%0aalert(1)",
            Err(AddressProblem::Scheme),
        );
        check("data:text/html,x", Err(AddressProblem::Scheme));
        check("file:///etc/passwd", Err(AddressProblem::Scheme));
        check("ftp://relay.example", Err(AddressProblem::Scheme));
        check("chrome-extension://abc/x", Err(AddressProblem::Scheme));
        check("mailto:me@relay.example", Err(AddressProblem::Scheme));
        check(
            "https://me:secret@relay.example",
            Err(AddressProblem::UserInfo),
        );
        check("me@relay.example", Err(AddressProblem::UserInfo));
        check("https://", Err(AddressProblem::Unreadable));
        check("https://a(b`c.example", Err(AddressProblem::Unreadable));
        check("https://relay example", Err(AddressProblem::Unreadable));
        check(
            "https://relay.example:99999",
            Err(AddressProblem::Unreadable),
        );
        check(
            &format!("https://{}.example", "a".repeat(3000)),
            Err(AddressProblem::Unreadable),
        );
    }

    #[test]
    fn a_private_address_and_a_clear_one_are_told() {
        for (typed, private, clear) in [
            ("https://relay.example", false, false),
            ("http://relay.example", false, true),
            ("http://localhost:3000", true, true),
            ("https://10.0.0.1", true, false),
            ("https://172.31.0.1", true, false),
            ("https://172.32.0.1", false, false),
            ("https://192.168.0.9:1", true, false),
            ("https://169.254.1.1", true, false),
            ("https://100.64.0.1", true, false),
            ("https://[fd00::1]", true, false),
            ("https://[fe80::1]", true, false),
            ("https://[::ffff:10.0.0.1]", true, false),
            ("https://[2001:db8::1]", false, false),
            ("https://nas.local", true, false),
            ("https://nas", true, false),
            ("https://8.8.8.8", false, false),
            ("https://0x7f.1", true, false),
        ] {
            let base = BaseUrl::parse(typed).expect("an address");
            assert_eq!(
                (base.is_private(), base.in_clear()),
                (private, clear),
                "{typed}"
            );
        }
    }

    #[test]
    fn patterns_and_paths_follow_from_the_address() {
        let base = BaseUrl::parse("http://relay.example:3000/sub").expect("an address");
        assert_eq!(base.origin(), "http://relay.example:3000");
        assert_eq!(base.path(), "/sub");
        assert_eq!(
            base.join("/api/token/?p=1"),
            "http://relay.example:3000/sub/api/token/?p=1"
        );
        assert_eq!(base.permission_pattern(), "http://relay.example:3000/*");
    }
}
