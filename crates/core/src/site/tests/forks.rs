//! Veloera and the hubs, on their recorded answers.

use super::*;
use crate::ports::now;
use crate::site::{
    Quirks, abilities, classify, groups, limits_of, list_keys, models, values_of, whoami,
};
use relaykeep_protocol::{AddressRule, Generation, SiteTrouble};

const HUBS: [(&str, SiteKind); 2] = [("onehub", SiteKind::OneHub), ("donehub", SiteKind::DoneHub)];

#[test]
fn each_names_the_user_as_its_kind_wants_it() {
    for (kind, header) in [
        (SiteKind::Veloera, Some("Veloera-User")),
        (SiteKind::OneHub, None),
        (SiteKind::DoneHub, None),
        (SiteKind::RixApi, Some("Rix-Api-User")),
        (SiteKind::VoApi, Some("voapi-user")),
        (SiteKind::SuperApi, Some("User-id")),
        (SiteKind::NeoApi, Some("neo-api-user")),
        (SiteKind::VApi, Some("X-Api-User")),
        (SiteKind::AnyRouter, Some("New-Api-User")),
    ] {
        let site = server(|_| {
            Ok(json(
                200,
                r#"{"success":true,"data":{"id":2,"username":"a"}}"#,
            ))
        });
        now(whoami(&site, &clock(), &place(kind), &login())).expect("an answer");
        let sent = site.sent.borrow();
        let named: Vec<&str> = sent[0]
            .headers
            .iter()
            .filter(|(_, value)| value == "2")
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(named, header.into_iter().collect::<Vec<_>>(), "{kind:?}");
    }
}

#[test]
fn a_refusal_names_the_header_that_is_missing() {
    let asking = crate::site::Asking {
        bucket: crate::http::Bucket::Ordinary,
        expects_auth_version: false,
        protocol: relaykeep_protocol::Protocol::Family,
        now: NOW,
    };
    for name in ["14-self-cookie-no-header", "23-self-pat-no-user"] {
        let answer = recorded(&format!("veloera/{name}"));
        let error = classify(&answer, &asking).expect_err("refused");
        assert_eq!(error.trouble(), SiteTrouble::UserIdMismatch, "{name}");
    }
    // What it cannot do it breaks down in, and would again.
    let broken = recorded("veloera/121-redeem-wrong");
    let error = classify(&broken, &asking).expect_err("broken");
    assert_eq!(error.trouble(), SiteTrouble::Absent);
}

/// A recorded page with these ids in place of the few rows that were kept of it.
fn page(name: &str, ids: std::ops::RangeInclusive<i64>) -> HttpResponse {
    let mut response = recorded(name);
    let mut body: Value = serde_json::from_slice(&response.body).unwrap();
    let data = &mut body["data"];
    let rows = if data.is_object() {
        data.get_mut("data").unwrap()
    } else {
        data
    };
    let one = rows[0].clone();
    *rows = ids
        .rev()
        .map(|id| {
            let mut row = one.clone();
            row["id"] = id.into();
            row
        })
        .collect();
    response.body = body.to_string().into_bytes();
    response
}

#[test]
fn the_hubs_pages_are_read_to_the_end() {
    for (directory, kind) in HUBS {
        let site = server(|request| {
            Ok(if request.url.ends_with("page=2") {
                page(&format!("{directory}/38-list-p2"), 1..=4)
            } else {
                page(&format!("{directory}/37-list-p1"), 5..=14)
            })
        });
        let listing =
            now(list_keys(&site, &clock(), &place(kind), &login(), |_| {})).expect("a list");
        assert!(listing.complete, "{directory}: {:?}", listing.cut);
        assert_eq!((listing.keys.len(), listing.odd), (14, 0), "{directory}");
        assert!(listing.keys.iter().all(|key| {
            key.full
                .as_ref()
                .is_some_and(|full| full.expose().len() == 62)
        }));
        assert_eq!(listing.learned.generation, None, "{directory}");
        assert_eq!(
            site.paths(),
            [
                "/api/token/?p=1&size=100&order=-id&page=1",
                "/api/token/?p=2&size=100&order=-id&page=2"
            ]
        );
        let empty = server(|_| Ok(recorded(&format!("{directory}/34-list-empty"))));
        let listing =
            now(list_keys(&empty, &clock(), &place(kind), &login(), |_| {})).expect("a list");
        assert!(listing.complete && listing.keys.is_empty());
    }
}

#[test]
fn veloera_lists_from_page_0() {
    let site = server(|request| {
        assert!(request.url.contains("p=0"), "{}", request.url);
        Ok(page("veloera/38-list-size-1000", 1..=14))
    });
    let place = place(SiteKind::Veloera);
    let listing = now(list_keys(&site, &clock(), &place, &login(), |_| {})).expect("a list");
    assert!(listing.complete);
    assert_eq!((listing.keys.len(), site.paths().len()), (14, 1));
    assert_eq!(listing.learned.generation, None);
}

#[test]
fn a_hubs_limits_are_read_out_of_its_setting() {
    for (directory, kind) in HUBS {
        let site = server(|_| Ok(recorded(&format!("{directory}/48-get-one"))));
        let id = relaykeep_protocol::RemoteId("1".to_owned());
        let visit = crate::site::Visit {
            http: &site,
            clock: &clock(),
            place: &place(kind),
            login: &login(),
        };
        let key = now(visit.get(&id)).expect("an answer").expect("a key");
        let limits = limits_of(&key.raw);
        let list = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
        assert_eq!(limits.models, list(&["gpt-4o"]), "{directory}");
        assert_eq!(
            limits.addresses,
            list(&["127.0.0.1", "10.0.0.0/8"]),
            "{directory}"
        );
        let values = values_of(&key.raw);
        assert_eq!(
            (values.models, Some(values.addresses)),
            (limits.models, limits.addresses)
        );
        assert_eq!(values.group, "vip");
    }
}

#[test]
fn the_own_group_is_added_where_the_list_knows_no_token() {
    for (directory, kind) in HUBS {
        let site = server(|_| Ok(recorded(&format!("{directory}/173-own-group-map-pat"))));
        let names = |own| {
            let offers = now(groups(&site, &clock(), &place(kind), &login(), own)).expect("groups");
            offers
                .into_iter()
                .map(|offer| offer.name)
                .collect::<Vec<_>>()
        };
        assert_eq!(names(None), ["default", "vip"], "{directory}");
        assert_eq!(
            names(Some("secret")),
            ["default", "vip", "secret"],
            "{directory}"
        );
        assert_eq!(names(Some("vip")), ["default", "vip"], "{directory}");
        let site = server(|_| Ok(recorded(&format!("{directory}/23-available-model"))));
        let read = now(models(&site, &clock(), &place(kind), &login())).expect("models");
        assert_eq!(read, ["gpt-4o", "gpt-4o-mini"], "{directory}");
    }
    // Everybody else's list is right as it is.
    let site = server(|_| Ok(recorded("veloera/25-self-groups")));
    let read = now(groups(
        &site,
        &clock(),
        &place(SiteKind::Veloera),
        &login(),
        Some("secret"),
    ));
    assert_eq!(read.expect("groups").len(), 2);
}

#[test]
fn who_one_is_there_and_the_token_it_shows() {
    for (name, kind) in [
        ("veloera/21-self-pat", SiteKind::Veloera),
        ("onehub/16-self-pat", SiteKind::OneHub),
        ("donehub/16-self-pat", SiteKind::DoneHub),
    ] {
        let site = server(|_| Ok(recorded(name)));
        let (who, learned) =
            now(whoami(&site, &clock(), &place(kind), &login())).expect("an answer");
        assert_eq!(who.user_id, "2", "{name}");
        assert_eq!(who.group.as_deref(), Some("default"), "{name}");
        assert!(who.access_token_shown.is_some(), "{name}");
        // New API shows a token only in one generation; here it says nothing.
        assert_eq!(learned, Quirks::default(), "{name}");
    }
}

#[test]
fn what_keys_can_be_set_to_is_the_kinds_own() {
    for (kind, rule, groups) in [
        (SiteKind::Veloera, AddressRule::PlainOnly, true),
        (SiteKind::OneHub, AddressRule::Any, true),
        (SiteKind::DoneHub, AddressRule::Any, true),
        (SiteKind::OneApi, AddressRule::NetworksOnly, false),
    ] {
        let mut place = place(kind);
        // Whatever was learned of another kind there before.
        place.quirks.generation = Some(Generation::Jwt);
        let can = abilities(&place);
        assert_eq!(
            (can.addresses, can.groups, can.name_bytes, can.auto_groups),
            (rule, groups, 30, false),
            "{kind:?}"
        );
    }
    let mut fork = place(SiteKind::RixApi);
    fork.quirks.generation = Some(Generation::Unmasked);
    assert_eq!(abilities(&fork).addresses, AddressRule::PlainOnly);
}

#[test]
fn a_fork_whose_status_is_its_base_kinds_has_not_changed_kind() {
    for (kind, changed) in [
        (SiteKind::AnyRouter, false),
        (SiteKind::RixApi, false),
        (SiteKind::NewApi, false),
        (SiteKind::Veloera, true),
        (SiteKind::DoneHub, true),
    ] {
        let site = server(|_| Ok(recorded("newapi-era2/001-status")));
        let facts = now(crate::site::status(&site, &clock(), &place(kind)));
        assert_eq!(facts.is_err(), changed, "{kind:?}");
    }
}
