//! What sites were recognised as, kept for a day: the popup and the form for a new account ask
//! nobody what is known. Nothing in here is a secret.

use super::detect::{Evidence, Verdict, weigh};
use crate::sorted::SortedMap;
use relaykeep_protocol::{Generation, Look, Millis, Recognition, TokenOffer};
use serde::{Deserialize, Serialize};

/// Stations are upgraded in place: after this long a relay is asked again.
const RELAY_LASTS: Millis = 24 * 3600 * 1000;
/// Something else may become a relay any moment, but not at every opening of the popup.
const OTHER_LASTS: Millis = 10 * 60 * 1000;
const MOST: usize = 64;

/// What a site was seen to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// What.
    pub recognition: Recognition,
    /// When, and at which cost.
    pub look: Look,
    /// What its page had to offer then, if it was looked at from its page.
    pub offer: Option<TokenOffer>,
}

impl Seen {
    /// Still to be believed.
    #[must_use]
    pub fn is_fresh(&self, now: Millis) -> bool {
        let lasts = match &self.recognition {
            Recognition::Relay { .. } => RELAY_LASTS,
            Recognition::NotARelay(_) => OTHER_LASTS,
            // Says nothing of what the site is.
            Recognition::NoHint | Recognition::Unreachable | Recognition::Challenge => {
                return false;
            }
        };
        self.look.at <= now && now - self.look.at < lasts
    }

    /// The verdict on a page of this site, without asking it. `None`: it has to be asked, because
    /// too much time has passed, or what the page shows does not fit.
    #[must_use]
    pub fn recall(&self, page: &Evidence, now: Millis) -> Option<Verdict> {
        if !self.is_fresh(now) {
            return None;
        }
        let mut verdict = weigh(Some(page), &[]);
        if let Recognition::Relay {
            kind, generation, ..
        } = &self.recognition
        {
            if matches!(&verdict.recognition, Recognition::Relay { kind: shown, .. } if shown != kind)
            {
                return None;
            }
            if *generation == Some(Generation::Jwt) {
                (verdict.user_id, verdict.username) = (None, None);
            } else if (self.offer? == TokenOffer::SignedOut) != verdict.user_id.is_none() {
                // Somebody signed in or out since.
                return None;
            }
            verdict.token = Some(self.offer?);
        }
        verdict.recognition = self.recognition.clone();
        Some(verdict)
    }
}

/// What many sites were seen to be, by the place that was asked about.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sights(SortedMap<String, Seen>);

impl Sights {
    /// What stands at this place.
    #[must_use]
    pub fn get(&self, place: &str) -> Option<&Seen> {
        self.0.get(place)
    }

    /// Keeps what was seen; beyond the most that are kept, the oldest goes.
    pub fn put(&mut self, place: String, seen: Seen) {
        self.0.insert(place, seen);
        while self.0.len() > MOST {
            let oldest = self.0.iter().min_by_key(|(_, seen)| seen.look.at);
            let Some(oldest) = oldest.map(|(place, _)| place.clone()) else {
                return;
            };
            self.0.remove(&oldest);
        }
    }

    /// An answer no longer fitted: whatever was asked about leads here.
    pub fn forget(&mut self, base_url: &str) {
        self.0.retain(|place, seen| {
            let leads_here = matches!(&seen.recognition, Recognition::Relay { base_url: found, .. } if found == base_url);
            place != base_url && !leads_here
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::detect::read_evidence;
    use super::*;
    use relaykeep_protocol::SiteKind;

    const NOW: Millis = 1_790_000_000_000;
    const HOUR: Millis = 3_600_000;

    fn page(user: bool) -> Evidence {
        let mut stored = serde_json::json!({"quota_per_unit": "500000"});
        if user {
            stored["user"] = r#"{"id":7,"username":"demo","role":1}"#.into();
        }
        let text = serde_json::json!({
            "origin": "https://relay.example", "path": "/console", "stored": stored
        });
        read_evidence(&text.to_string()).expect("evidence")
    }

    fn relay(generation: Generation, offer: Option<TokenOffer>) -> Seen {
        Seen {
            recognition: Recognition::Relay {
                kind: SiteKind::NewApi,
                generation: Some(generation),
                base_url: "https://relay.example".to_owned(),
                site_name: None,
                clues: Vec::new(),
            },
            look: Look {
                at: NOW - HOUR,
                requests: 2,
            },
            offer,
        }
    }

    #[test]
    fn a_relay_is_believed_for_a_day_and_anything_else_for_minutes() {
        let seen = relay(Generation::MaskedCookie, None);
        assert!(seen.is_fresh(NOW));
        assert!(!seen.is_fresh(NOW + 23 * HOUR));
        assert!(!seen.is_fresh(NOW - 2 * HOUR), "from the future");
        let other = |recognition| Seen {
            recognition,
            ..seen.clone()
        };
        assert!(!other(Recognition::NotARelay(Vec::new())).is_fresh(NOW));
        assert!(other(Recognition::NotARelay(Vec::new())).is_fresh(NOW - HOUR + 60_000));
        for nothing in [
            Recognition::NoHint,
            Recognition::Unreachable,
            Recognition::Challenge,
        ] {
            assert!(!other(nothing).is_fresh(NOW - HOUR));
        }
    }

    #[test]
    fn the_page_still_says_who_is_signed_in() {
        let seen = relay(Generation::MaskedCookie, Some(TokenOffer::OnlyByReplacing));
        let verdict = seen.recall(&page(true), NOW).expect("fits");
        assert_eq!(verdict.user_id.as_deref(), Some("7"));
        assert_eq!(verdict.token, Some(TokenOffer::OnlyByReplacing));
        assert_eq!(verdict.recognition, seen.recognition);
        assert_eq!(seen.recall(&page(false), NOW), None, "signed out since");
        let out = relay(Generation::MaskedCookie, Some(TokenOffer::SignedOut));
        assert!(out.recall(&page(false), NOW).is_some());
        assert_eq!(out.recall(&page(true), NOW), None, "signed in since");
    }

    #[test]
    fn of_the_jwt_era_a_login_left_behind_is_not_believed() {
        let seen = relay(Generation::Jwt, Some(TokenOffer::OnlyByReplacing));
        let verdict = seen.recall(&page(true), NOW).expect("fits");
        assert_eq!(verdict.user_id, None);
        // Seen from outside of any page: what the page has to offer is not known.
        assert_eq!(relay(Generation::Jwt, None).recall(&page(true), NOW), None);
    }

    #[test]
    fn a_page_that_shows_another_kind_has_to_be_asked() {
        let status = r#"{"quota_per_unit":500000,"system_name":"x","lark_client_id":""}"#;
        let text = serde_json::json!({
            "origin": "https://relay.example", "path": "/panel/token",
            "stored": {"status": status, "quota_per_unit": "1", "user": r#"{"id":7,"username":"demo","role":1}"#}
        });
        let page = read_evidence(&text.to_string()).expect("evidence");
        let shown = weigh(Some(&page), &[]).recognition;
        assert!(matches!(
            shown,
            Recognition::Relay {
                kind: SiteKind::OneApi,
                ..
            }
        ));
        let seen = relay(Generation::MaskedCookie, Some(TokenOffer::OnlyByReplacing));
        assert_eq!(seen.recall(&page, NOW), None);
    }

    #[test]
    fn the_oldest_goes_first_and_one_that_no_longer_fits_at_once() {
        let mut sights = Sights::default();
        for at in 0..70 {
            let mut seen = relay(Generation::Jwt, None);
            seen.look.at = NOW + at;
            sights.put(format!("https://relay.example/{at}"), seen);
        }
        assert!(sights.get("https://relay.example/5").is_none());
        assert!(sights.get("https://relay.example/6").is_some());
        let text = crate::json::write(&sights);
        let mut sights: Sights = crate::json::read(&text).expect("its own words");
        sights.put(
            "https://other.example".to_owned(),
            Seen {
                recognition: Recognition::NotARelay(Vec::new()),
                look: Look {
                    at: NOW + HOUR,
                    requests: 1,
                },
                offer: None,
            },
        );
        sights.forget("https://relay.example");
        assert!(sights.get("https://relay.example/69").is_none());
        assert!(sights.get("https://other.example").is_some());
        sights.forget("https://other.example");
        assert!(sights.get("https://other.example").is_none());
    }
}
