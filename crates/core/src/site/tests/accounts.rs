//! Who a login is, and what a site says of itself.

use super::*;
use crate::ports::now;
use crate::site::{groups, status, verify_account, whoami};
use relaykeep_protocol::{Generation, ShownAs, SiteTrouble};

#[test]
fn every_generation_says_who_the_login_is() {
    for (name, kind, shown) in [
        ("newapi-era1u/023-self-pat", SiteKind::NewApi, true),
        ("newapi-era2/023-self-pat", SiteKind::NewApi, false),
        ("newapi-era3/030-self-pat", SiteKind::NewApi, false),
        ("oneapi/015-self-pat", SiteKind::OneApi, false),
    ] {
        let site = server(|_| Ok(recorded(name)));
        let (who, learned) = now(whoami(&site, &clock(), &place(kind), &login())).expect(name);
        assert_eq!(
            (who.user_id.as_str(), who.username.as_deref()),
            ("2", Some("alice")),
            "{name}"
        );
        assert_eq!(
            (who.balance, who.used, who.group.as_deref()),
            (Some(50_000_000), Some(0), Some("default")),
            "{name}"
        );
        assert_eq!(who.access_token_shown.is_some(), shown, "{name}");
        assert_eq!(
            learned.sends_auth_version,
            name.contains("era2") || name.contains("era3"),
            "{name}"
        );
        assert_eq!(
            learned.generation,
            shown.then_some(Generation::Unmasked),
            "{name}"
        );
        assert_eq!(site.paths(), ["/api/user/self"]);
        let sent = &site.sent.borrow()[0];
        let names_the_user = sent
            .headers
            .contains(&("New-Api-User".to_owned(), "2".to_owned()));
        assert_eq!(names_the_user, kind == SiteKind::NewApi, "{name}");
        assert!(
            sent.headers
                .contains(&("Accept-Language".to_owned(), "en".to_owned()))
        );
        assert_eq!(
            sent.bearer.as_ref().expect("a token").origins,
            ["https://relay.example"]
        );
    }
}

#[test]
fn a_site_that_silently_answers_as_somebody_else_is_not_believed() {
    // One API, another user's cookie beside the token: HTTP 200, as alice (2), asked as bob (3).
    let mut bob = login();
    bob.user_id = Some("3".to_owned());
    let site = server(|_| Ok(recorded("oneapi/019-self-foreign-cookie-shadows-pat")));
    let error =
        now(whoami(&site, &clock(), &place(SiteKind::OneApi), &bob)).expect_err("somebody else");
    assert_eq!(error.trouble(), SiteTrouble::AnsweredAsOther);
}

#[test]
fn a_site_that_shows_another_token_than_the_one_sent_is_not_believed() {
    let mut other = login();
    let held = other.token.as_mut().expect("it holds a token");
    held.secret = Secret::new("Pat+bob/0123456789abcdefghijAB==".to_owned());
    let site = server(|_| Ok(recorded("newapi-era1u/023-self-pat")));
    let error = now(verify_account(
        &site,
        &clock(),
        &place(SiteKind::NewApi),
        &other,
    ))
    .expect_err("another token");
    assert_eq!(error.trouble(), SiteTrouble::AnsweredAsOther);
    assert!(
        now(verify_account(
            &site,
            &clock(),
            &place(SiteKind::NewApi),
            &login()
        ))
        .is_ok()
    );
}

#[test]
fn an_answer_without_an_id_is_no_answer_to_who() {
    for data in [
        "null",
        "[]",
        "{}",
        r#"{"id":null}"#,
        r#"{"id":1.5}"#,
        r#"{"id":2,"id":3}"#,
        "\"alice\"",
    ] {
        let site = server(|_| Ok(json(200, format!(r#"{{"success":true,"data":{data}}}"#))));
        let error =
            now(whoami(&site, &clock(), &place(SiteKind::NewApi), &login())).expect_err(data);
        assert_eq!(error.trouble(), SiteTrouble::BadAnswer, "{data}");
    }
}

#[test]
fn balances_beyond_all_bounds_are_unknown_and_never_wrap() {
    for (quota, expected) in [
        ("1e309", None),
        ("-1", Some(-1)),
        ("9223372036854775808", None),
        ("0.1", None),
        ("\"12345\"", Some(12_345)),
        ("9007199254740993", Some(9_007_199_254_740_993)),
        ("null", None),
    ] {
        let site = server(|_| {
            Ok(json(
                200,
                format!(r#"{{"success":true,"data":{{"id":2,"quota":{quota}}}}}"#),
            ))
        });
        let (who, _) =
            now(whoami(&site, &clock(), &place(SiteKind::NewApi), &login())).expect(quota);
        assert_eq!(who.balance, expected, "{quota}");
    }
}

#[test]
fn a_sites_unit_is_the_one_it_defines() {
    let unit = |data: &str| {
        let body = format!(r#"{{"success":true,"data":{{"system_name":"x",{data}}}}}"#);
        let site = server(|_| Ok(json(200, body.clone())));
        now(status(&site, &clock(), &place(SiteKind::NewApi)))
            .expect(data)
            .unit
    };
    assert_eq!(unit(r#""quota_per_unit":500000"#).shown_as, ShownAs::Usd);
    assert_eq!(
        unit(r#""quota_per_unit":"1000000""#).per_dollar,
        1_000_000.0
    );
    assert_eq!(unit(r#""quota_per_unit":0"#).per_dollar, 500_000.0);
    assert_eq!(unit(r#""quota_per_unit":-5"#).per_dollar, 500_000.0);
    assert_eq!(
        unit(r#""quota_per_unit":1,"display_in_currency":false"#).shown_as,
        ShownAs::Tokens
    );
    assert_eq!(
        unit(r#""quota_per_unit":1,"quota_display_type":"TOKENS""#).shown_as,
        ShownAs::Tokens
    );
    assert_eq!(
        unit(r#""quota_per_unit":1,"quota_display_type":"CNY","usd_exchange_rate":7.1"#).shown_as,
        ShownAs::Cny { rate: 7.1 }
    );
    assert_eq!(
        unit(r#""quota_per_unit":1,"quota_display_type":"CUSTOM","custom_currency_symbol":"€","custom_currency_exchange_rate":0.9"#).shown_as,
        ShownAs::Custom { symbol: "€".to_owned(), rate: 0.9 });
}

#[test]
fn another_kind_at_the_same_address_is_noticed() {
    let asked = |name: &str, kind| {
        let site = server(|_| Ok(recorded(name)));
        now(status(&site, &clock(), &place(kind))).map_err(|error| error.trouble())
    };
    for (directory, kind) in SERVERS {
        let facts = asked(&showing(directory, "status"), kind).expect(directory);
        assert_eq!(facts.kind, Some(kind), "{directory}");
    }
    assert_eq!(
        asked("oneapi/001-status", SiteKind::NewApi),
        Err(SiteTrouble::KindChanged {
            now: Some(SiteKind::OneApi)
        })
    );
    assert_eq!(
        asked("newapi-era1u/001-status", SiteKind::OneApi),
        Err(SiteTrouble::KindChanged {
            now: Some(SiteKind::NewApi)
        })
    );
    assert_eq!(
        asked("oneapi/002-root-html", SiteKind::OneApi),
        Err(SiteTrouble::NotARelay)
    );
}

#[test]
fn groups_are_read_even_where_a_ratio_is_a_text() {
    for (name, expected) in [
        ("newapi-era1u/029-self-groups", vec!["default", "vip"]),
        (
            "newapi-era3/045-self-groups-with-auto",
            vec!["auto", "default", "vip"],
        ),
        (
            "newapi-era3/422-self-groups-own-group-added",
            vec!["default", "svip", "vip"],
        ),
    ] {
        let site = server(|_| Ok(recorded(name)));
        let read = now(groups(
            &site,
            &clock(),
            &place(SiteKind::NewApi),
            &login(),
            None,
        ))
        .expect(name);
        assert_eq!(
            read.iter()
                .map(|group| group.name.as_str())
                .collect::<Vec<_>>(),
            expected,
            "{name}"
        );
    }
    let site = server(|_| panic!("One API has no such list"));
    assert_eq!(
        now(groups(
            &site,
            &clock(),
            &place(SiteKind::OneApi),
            &login(),
            None
        )),
        Ok(Vec::new())
    );
}

#[test]
fn cookies_go_along_only_where_the_login_or_a_shield_wants_them() {
    let ask = |login: &Login, shielded: bool| {
        let site = server(|_| Ok(recorded("newapi-era2/023-self-pat")));
        let mut place = place(SiteKind::NewApi);
        place.quirks.shielded = shielded;
        now(whoami(&site, &clock(), &place, login)).expect("who it is");
        let sent = site.sent.borrow()[0].clone();
        (sent.with_cookie, sent.bearer.is_some())
    };
    let browser = Login::of_the_browser(Some("2".to_owned()));
    assert_eq!(ask(&login(), false), (false, true));
    assert_eq!(ask(&login(), true), (true, true));
    assert_eq!(ask(&browser, false), (true, false));
}

#[test]
fn the_browsers_login_of_somebody_else_is_not_taken_for_ours() {
    let site = server(|_| Ok(recorded("oneapi/015-self-pat")));
    let bob = Login::of_the_browser(Some("3".to_owned()));
    let error = now(whoami(&site, &clock(), &place(SiteKind::OneApi), &bob)).unwrap_err();
    assert_eq!(error.trouble(), SiteTrouble::AnsweredAsOther);
}
