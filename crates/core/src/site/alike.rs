//! Addresses made to be taken for another: one letter off, letters of other scripts that look the
//! same, the same name under another ending, a known host inside a longer one.

use super::address::BaseUrl;

/// The first of these hosts that an address can be taken for, although it is another.
pub fn taken_for<T>(address: &BaseUrl, held: impl IntoIterator<Item = (T, BaseUrl)>) -> Option<T> {
    let named = Named::read(address)?;
    let mut found = None;
    for (mark, base) in held {
        if base.host() == address.host() {
            // What the user has an account at is what it is.
            return None;
        }
        let alike = found.is_none()
            && Named::read(&base).is_some_and(|known| named.can_be_taken_for(&known));
        if alike {
            found = Some(mark);
        }
    }
    found
}

/// Endings under which anyone may have a name. Not the whole public list, whose data weighs more
/// than this is worth: what is missing here is compared by its last two labels.
const SHARED: [&str; 22] = [
    "azurewebsites.net",
    "cloudfront.net",
    "ddns.net",
    "deno.dev",
    "duckdns.org",
    "eu.org",
    "fly.dev",
    "github.io",
    "gitlab.io",
    "hf.space",
    "herokuapp.com",
    "netlify.app",
    "ngrok.app",
    "ngrok.io",
    "onrender.com",
    "pages.dev",
    "railway.app",
    "run.app",
    "us.kg",
    "vercel.app",
    "workers.dev",
    "zeabur.app",
];

/// Letters that can be taken for an ASCII one, as far as hosts may hold them.
const CONFUSABLE: [(char, &str); 24] = [
    ('a', "аɑαàáâãäåāăąạ"),
    ('b', "ьƅв"),
    ('c', "сϲçćčċ"),
    ('d', "ԁɗďđ"),
    ('e', "еҽèéêëēėęěẹ"),
    ('g', "ɡğģġ"),
    ('h', "һħ"),
    ('j', "јϳ"),
    ('k', "кκķ"),
    ('l', "1i|ıіӏιìíîïīįłļľĺ"),
    ('m', "мḿ"),
    ('n', "пոñńņňŋη"),
    ('o', "0оοօòóôõöøōőọ〇"),
    ('p', "рρ"),
    ('q', "ԛգ"),
    ('r', "гŕřŗ"),
    ('s', "ѕꜱśšşș5"),
    ('t', "тτťţț"),
    ('u', "υսùúûüūůűųụ"),
    ('v', "ѵν"),
    ('w', "ԝωŵ"),
    ('x', "хχ×"),
    ('y', "уүγýÿ"),
    ('z', "źžżᴢ"),
];

/// A host of the public network, taken apart.
struct Named {
    host: String,
    /// The label that is its owner's.
    name: String,
    /// What stands behind it.
    ending: String,
    /// The name as an eye in a hurry reads it.
    seen: Vec<char>,
}

impl Named {
    /// `None` for numbers, names without a dot and networks of one's own.
    fn read(base: &BaseUrl) -> Option<Self> {
        let host = base.host().trim_end_matches('.').to_ascii_lowercase();
        let number = host
            .bytes()
            .all(|b| b.is_ascii_digit() || b".:[]".contains(&b))
            || host.starts_with('[');
        if base.is_private() || number {
            return None;
        }
        let labels: Vec<&str> = host.split('.').collect();
        let (last, before) = (labels.last()?, labels.iter().rev().nth(1)?);
        let second = ["ac", "co", "com", "edu", "gov", "net", "or", "org"];
        let shared = SHARED.contains(&format!("{before}.{last}").as_str())
            || (last.len() == 2 && second.contains(before));
        let taken = if shared && labels.len() > 2 { 2 } else { 1 };
        let at = labels.len() - taken - 1;
        let name = unicode(labels[at]);
        Some(Self {
            ending: labels[at + 1..].join("."),
            seen: seen(&name),
            name,
            host,
        })
    }

    fn can_be_taken_for(&self, known: &Self) -> bool {
        if self.name == known.name && self.ending == known.ending {
            // Two hosts of one owner.
            return false;
        }
        let inside = || {
            let (dotted, hyphened) = (format!(".{}.", known.host), known.host.replace('.', "-"));
            format!(".{}", self.host).contains(&dotted) || self.host.contains(&hyphened)
        };
        if self.seen == known.seen {
            // Below that, an ending tells more than the name does.
            return self.name != known.name || self.seen.len() >= 3;
        }
        let shortest = self.seen.len().min(known.seen.len());
        let least = if self.ending == known.ending { 4 } else { 6 };
        (shortest >= least && one_off(&self.seen, &known.seen)) || inside()
    }
}

/// Letters as they are read in a hurry.
fn seen(name: &str) -> Vec<char> {
    let mut letters: Vec<char> = Vec::new();
    for letter in name.chars().flat_map(char::to_lowercase) {
        let plain = CONFUSABLE
            .iter()
            .find(|(_, like)| like.contains(letter))
            .map_or(letter, |(plain, _)| *plain);
        let two = match (letters.last(), plain) {
            (Some('r'), 'n') => Some('m'),
            (Some('v'), 'v') => Some('w'),
            (Some('c'), 'l') => Some('d'),
            _ => None,
        };
        if two.is_some() {
            letters.pop();
        }
        letters.push(two.unwrap_or(plain));
    }
    letters
}

/// One letter more, less, other, or two that changed places.
fn one_off(one: &[char], other: &[char]) -> bool {
    let (short, long) = if one.len() <= other.len() {
        (one, other)
    } else {
        (other, one)
    };
    let start = short.iter().zip(long).take_while(|(a, b)| a == b).count();
    let (short, long) = (&short[start..], &long[start..]);
    let rest = |from_short: usize, from_long: usize| {
        short
            .get(from_short..)
            .is_some_and(|rest| long.get(from_long..) == Some(rest))
    };
    match long.len() - short.len() {
        0 => {
            let swapped = short.len() > 1 && short[0] == long[1] && short[1] == long[0];
            !short.is_empty() && (rest(1, 1) || (swapped && rest(2, 2)))
        }
        1 => rest(0, 1),
        _ => false,
    }
}

/// A label as it is shown: what browsers write as `xn--…` back in its own script (RFC 3492).
fn unicode(label: &str) -> String {
    label
        .strip_prefix("xn--")
        .and_then(decode)
        .unwrap_or_else(|| label.to_owned())
}

fn decode(text: &str) -> Option<String> {
    const BASE: u32 = 36;
    let (plain, coded) = text.rsplit_once('-').unwrap_or(("", text));
    let mut letters: Vec<char> = plain.chars().collect();
    let (mut code, mut at, mut bias) = (128_u32, 0_u32, 72_u32);
    let mut digits = coded.bytes();
    while digits.len() > 0 {
        let before = at;
        let (mut weight, mut step) = (1_u32, BASE);
        loop {
            let digit = match digits.next()? {
                byte @ b'a'..=b'z' => byte - b'a',
                byte @ b'0'..=b'9' => byte - b'0' + 26,
                _ => return None,
            };
            let digit = u32::from(digit);
            at = at.checked_add(digit.checked_mul(weight)?)?;
            let least = step.saturating_sub(bias).clamp(1, 26);
            if digit < least {
                break;
            }
            weight = weight.checked_mul(BASE - least)?;
            step += BASE;
        }
        let count = u32::try_from(letters.len()).ok()? + 1;
        let mut delta = (at - before) / if before == 0 { 700 } else { 2 };
        delta += delta / count;
        let mut steps = 0;
        while delta > 455 {
            delta /= 35;
            steps += BASE;
        }
        bias = steps + 36 * delta / (delta + 38);
        code = code.checked_add(at / count)?;
        at %= count;
        letters.insert(usize::try_from(at).ok()?, char::from_u32(code)?);
        at += 1;
    }
    Some(letters.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(host: &str) -> BaseUrl {
        BaseUrl::parse(&format!("https://{host}")).expect("an address")
    }

    #[track_caller]
    fn check(known: &str, pairs: &[(&str, bool)]) {
        for (host, expected) in pairs {
            let found = taken_for(&base(host), [((), base(known))]).is_some();
            assert_eq!(found, *expected, "{host} for {known}");
        }
    }

    #[test]
    fn one_letter_off_or_a_letter_that_looks_the_same() {
        check(
            "orchard.example",
            &[
                ("orchard.example", false),
                ("0rchard.example", true),
                ("orcharrd.example", true),
                ("orchad.example", true),
                ("ochrard.example", false),
                ("ocrhard.example", true),
                ("orcherd.example", true),
                ("orcharcl.example", true),
                ("оrchard.example", true),
                ("xn--rchard-vqf.example", true),
                ("örchärd.example", true),
                ("meadow.example", false),
                ("orchestra.example", false),
            ],
        );
        check(
            "modern.example",
            &[("rnodern.example", true), ("modem.example", true)],
        );
    }

    #[test]
    fn another_ending_or_a_longer_host_around_it() {
        check(
            "api.orchard.example",
            &[
                ("orchard.test", true),
                ("api.orchard.test", true),
                ("api.orchard.example.evil.test", true),
                ("api-orchard-example.evil.test", true),
                ("login.api.orchard.example.evil.test", true),
                ("evil.test", false),
            ],
        );
        check(
            "relay.co.uk",
            &[("relav.co.uk", true), ("other.co.uk", false)],
        );
    }

    #[test]
    fn two_hosts_of_one_owner_are_no_look_alikes() {
        check(
            "api1.orchard.example",
            &[
                ("api2.orchard.example", false),
                ("orchard.example", false),
                ("orchard.example:8443", false),
            ],
        );
        // Under these endings everyone has a name.
        check(
            "orchard.github.io",
            &[("meadow.github.io", false), ("orchart.github.io", true)],
        );
    }

    #[test]
    fn numbers_short_names_and_own_networks_tell_nothing() {
        check(
            "192.0.2.10",
            &[("192.0.2.11", false), ("192-0-2-10.example", false)],
        );
        check("relay1.localhost", &[("relay2.localhost", false)]);
        check("nas.local", &[("nase.local", false)]);
        check("ab.example", &[("ac.example", false), ("ab.test", false)]);
        check("[2001:db8::1]", &[("[2001:db8::2]", false)]);
    }

    #[test]
    fn a_host_with_an_account_is_never_one_itself() {
        let held = ["orchart.example", "orchard.example"];
        let found = taken_for(
            &base("orchard.example"),
            held.map(|host| (host, base(host))),
        );
        assert_eq!(found, None);
        let found = taken_for(
            &base("orcharb.example"),
            held.map(|host| (host, base(host))),
        );
        assert_eq!(found, Some("orchart.example"));
    }

    #[test]
    fn international_names_are_read_as_they_are_shown() {
        for (coded, shown) in [
            ("xn--bcher-kva", "bücher"),
            ("xn--80ak6aa92e", "аррӏе"),
            ("xn--fiqs8s", "中国"),
            ("plain", "plain"),
            ("xn--", ""),
        ] {
            assert_eq!(unicode(coded), shown);
        }
        // What does not decode stands as it is.
        for broken in ["xn--!", "xn--99999999999999", "xn--a-9"] {
            assert!(!unicode(broken).is_empty(), "{broken}");
        }
    }
}
