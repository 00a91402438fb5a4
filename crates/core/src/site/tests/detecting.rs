//! Recognising sites.

use super::*;
use crate::ports::now;
use crate::site::detect::{CLUES, Evidence, bases, probe, read_evidence, weigh};
use crate::site::inpage::{
    MadeToken, MakeProblem, MakeStep, read_asked, read_made_token, read_page_token,
    read_shown_token,
};
use relaykeep_protocol::{Generation, Recognition, TokenOffer};

/// A site that answers the two questions with recordings.
fn recognised(status: &HttpResponse, whoami: &HttpResponse) -> Recognition {
    let site = server(|request| {
        assert!(request.bearer.is_none(), "the questions are anonymous");
        Ok(if request.url.ends_with("/api/status") {
            status.clone()
        } else {
            whoami.clone()
        })
    });
    let found = now(probe(&site, &clock(), &base())).unwrap();
    assert!(site.sent.borrow().len() <= 2);
    found
}

fn page(path: &str, stored: &[(&str, &str)]) -> Evidence {
    let stored: crate::sorted::SortedMap<&str, &str> = stored.iter().copied().collect();
    let text =
        serde_json::json!({"origin": "https://relay.example", "path": path, "stored": stored})
            .to_string();
    read_evidence(&text).expect("evidence")
}

fn stored_status(name: &str) -> String {
    let body: Value = serde_json::from_slice(&recorded(name).body).unwrap();
    body["data"].to_string()
}

#[test]
fn every_server_is_recognised_with_its_generation() {
    for (directory, kind) in SERVERS {
        let found = recognised(
            &recorded(&showing(directory, "status")),
            &recorded(&showing(directory, "stranger")),
        );
        let Recognition::Relay {
            kind: found_kind,
            generation,
            base_url,
            clues,
            ..
        } = found
        else {
            panic!("{directory}: {found:?}");
        };
        let expected = match directory {
            "newapi-era1u" => Some(Generation::Unmasked),
            "newapi-era2" => Some(Generation::MaskedCookie),
            "newapi-era3" => Some(Generation::Jwt),
            _ => None,
        };
        assert_eq!(
            (found_kind, generation, base_url.as_str()),
            (kind, expected, "https://relay.example"),
            "{directory}"
        );
        assert!(clues.iter().all(|clue| CLUES.contains(&clue.what.as_str())));
    }
}

#[test]
fn no_kind_is_taken_for_another() {
    for (directory, kind) in SERVERS {
        let status: Value =
            serde_json::from_slice(&recorded(&showing(directory, "status")).body).unwrap();
        let raw = serde_json::value::to_raw_value(&status["data"]).unwrap();
        let fields = crate::site::facts::fields_of(Some(&raw)).unwrap();
        assert_eq!(fields.kind(), Some(kind), "{directory}");
        assert!(!fields.look_alike(), "{directory}");
    }
    // A stored status is as good, and speaks for no other kind.
    for (directory, kind) in SERVERS.into_iter().skip(4) {
        let status = stored_status(&showing(directory, "status"));
        let name = if kind == SiteKind::Veloera {
            "status"
        } else {
            "siteInfo"
        };
        let verdict = weigh(
            Some(&page("/panel", &[(name, &status), ("quota_per_unit", "1")])),
            &read_asked(&reported(directory)).unwrap(),
        );
        assert!(
            matches!(verdict.recognition, Recognition::Relay { kind: found, .. } if found == kind),
            "{verdict:?}"
        );
    }
}

#[test]
fn a_host_decides_between_a_kind_and_its_fork_and_proves_nothing_alone() {
    let at = |host: &str, status: HttpResponse| {
        let base = BaseUrl::parse(&format!("https://{host}")).unwrap();
        let refuse = recorded("newapi-era2/007-self-no-auth");
        let site = server(|request| {
            Ok(if request.url.ends_with("/api/status") {
                status.clone()
            } else {
                refuse.clone()
            })
        });
        now(probe(&site, &clock(), &base)).unwrap()
    };
    let new_api = recorded("newapi-era2/001-status");
    for (host, kind) in [
        ("anyrouter.top", SiteKind::AnyRouter),
        ("wzw.pp.ua", SiteKind::Wong),
        ("relay.example", SiteKind::NewApi),
        ("anyrouter.top.example", SiteKind::NewApi),
    ] {
        let found = at(host, new_api.clone());
        assert!(
            matches!(found, Recognition::Relay { kind: one, generation: Some(Generation::MaskedCookie), .. } if one == kind),
            "{host}: {found:?}"
        );
    }
    let other = at("anyrouter.top", recorded("oneapi/001-status"));
    assert!(matches!(
        other,
        Recognition::Relay {
            kind: SiteKind::OneApi,
            ..
        }
    ));
    let page = at("anyrouter.top", html(200, "<title>Any Router</title>"));
    assert!(matches!(page, Recognition::NotARelay(_)));
}

#[test]
fn a_renamed_site_is_recognised_all_the_same() {
    let mut status = recorded("newapi-era3/001-status");
    status.body = String::from_utf8(status.body)
        .unwrap()
        .replace("\"New API\"", "\"超级中转站\"")
        .into_bytes();
    let found = recognised(&status, &recorded("newapi-era3/007-self-no-auth"));
    assert!(
        matches!(found, Recognition::Relay { site_name: Some(name), .. } if name == "超级中转站")
    );
}

#[test]
fn pages_and_look_alikes_are_no_relays() {
    let refuse = recorded("oneapi/007-self-no-auth");
    for status in [
        html(200, "<title>New API</title>"),
        json(200, r#"{"success":true,"data":{}}"#),
        json(200, r#"{"success":true,"data":{"system_name":"New API"}}"#),
        json(
            200,
            r#"{"success":true,"data":{"system_name":"New API","quota_per_unit":500000}}"#,
        ),
        json(200, r#"{"status":"ok"}"#),
        json(404, "404 page not found"),
        json(
            200,
            r#"{"code":0,"message":"success","data":{"site_name":"x","backend_mode_enabled":false}}"#,
        ),
        // Of the family, with fields of several kinds and so of none of them.
        json(
            200,
            r#"{"success":true,"data":{"system_name":"x","quota_per_unit":500000,"setup":true,"chats":[],"price":7.3,"check_in_enabled":true,"quota_display_type":"USD"}}"#,
        ),
        json(
            200,
            r#"{"success":true,"data":{"system_name":"x","quota_per_unit":500000,"invite_code_register":false,"setup":true}}"#,
        ),
    ] {
        let found = recognised(&status, &refuse);
        assert!(matches!(found, Recognition::NotARelay(_)), "{found:?}");
    }
}

#[test]
fn what_cannot_be_asked_is_not_taken_for_unknown() {
    let refuse = recorded("oneapi/007-self-no-auth");
    for status in [
        recorded("oneapi/134-429-global"),
        html(502, "<h1>Bad Gateway</h1>"),
        json(500, ""),
    ] {
        assert_eq!(recognised(&status, &refuse), Recognition::Unreachable);
    }
    for status in [
        html(503, "Just a moment..."),
        html(200, "<script>acw_sc__v2</script>"),
        html(403, "<h1>no</h1>"),
    ] {
        assert_eq!(recognised(&status, &refuse), Recognition::Challenge);
    }
    for error in [
        HttpError::Unreachable,
        HttpError::TimedOut,
        HttpError::Offline,
        HttpError::Redirected,
    ] {
        let site = server(|_| Err(error.clone()));
        assert_eq!(
            now(probe(&site, &clock(), &base())),
            Ok(Recognition::Unreachable)
        );
        assert_eq!(site.sent.borrow().len(), 1);
    }
    let site = server(|_| Err(HttpError::Stopped));
    assert_eq!(
        now(probe(&site, &clock(), &base())),
        Err(HttpError::Stopped)
    );
}

#[test]
fn a_site_that_gives_strangers_a_whoami_is_doubted() {
    let open = json(200, r#"{"success":true,"data":{"id":1}}"#);
    let found = recognised(&json(200, stored_family()), &open);
    assert!(matches!(found, Recognition::NotARelay(_)), "{found:?}");
}

fn stored_family() -> String {
    r#"{"success":true,"data":{"system_name":"x","quota_per_unit":1,"lark_client_id":""}}"#
        .to_owned()
}

#[test]
fn a_page_that_shows_nothing_is_no_hint() {
    let verdict = weigh(Some(&page("/", &[])), &[]);
    assert_eq!(
        (verdict.recognition, verdict.hinted, verdict.token),
        (Recognition::NoHint, false, None)
    );
    let other = page(
        "/news",
        &[
            ("user", r#"{"name":"x"}"#),
            ("status", "on"),
            ("siteInfo", "{}"),
        ],
    );
    assert!(!weigh(Some(&other), &[]).hinted);
}

#[test]
fn a_signed_in_page_names_its_login_and_hints() {
    let user = r#"{"id":2,"username":"alice","role":1}"#;
    let verdict = weigh(
        Some(&page(
            "/console/token",
            &[("user", user), ("quota_per_unit", "500000")],
        )),
        &[],
    );
    assert!(verdict.hinted);
    assert_eq!(
        (verdict.user_id.as_deref(), verdict.username.as_deref()),
        (Some("2"), Some("alice"))
    );
    assert_eq!(
        verdict.recognition,
        Recognition::NoHint,
        "a hint is no proof"
    );
}

#[test]
fn the_status_a_front_end_stores_is_as_good_as_the_answer() {
    let user = r#"{"id":2,"username":"alice","role":1}"#;
    let status = stored_status("newapi-era1u/001-status");
    let verdict = weigh(
        Some(&page(
            "/console",
            &[
                ("user", user),
                ("status", &status),
                ("quota_per_unit", "500000"),
            ],
        )),
        &[],
    );
    assert!(
        matches!(
            verdict.recognition,
            Recognition::Relay {
                kind: SiteKind::NewApi,
                ..
            }
        ),
        "{verdict:?}"
    );
    // Its own account of another product counts against it.
    let other = r#"{"system_name":"x","quota_per_unit":1,"invite_code_register":false,"chats":[]}"#;
    assert!(
        !weigh(
            Some(&page("/panel", &[("siteInfo", other), ("user", user)])),
            &[]
        )
        .hinted
    );
}

#[test]
fn what_can_be_had_without_typing_depends_on_the_generation() {
    let user = r#"{"id":2,"username":"alice","role":1}"#;
    for (directory, signed_in, expected) in [
        ("newapi-era1u", true, TokenOffer::Shown),
        ("newapi-era1u", false, TokenOffer::SignedOut),
        ("newapi-era2", true, TokenOffer::OnlyByReplacing),
        ("newapi-era2", false, TokenOffer::SignedOut),
        ("newapi-era3", true, TokenOffer::OnlyByReplacing),
        ("newapi-era3", false, TokenOffer::OnlyByReplacing),
        ("oneapi", true, TokenOffer::OnlyByReplacing),
        ("oneapi", false, TokenOffer::SignedOut),
        ("veloera", true, TokenOffer::Shown),
        ("veloera", false, TokenOffer::SignedOut),
        // Their pages keep no login: the site itself says whether somebody is signed in.
        ("onehub", false, TokenOffer::Shown),
        ("donehub", false, TokenOffer::Shown),
    ] {
        let stored: &[(&str, &str)] = if signed_in { &[("user", user)] } else { &[] };
        let asked = read_asked(&reported(directory)).unwrap();
        let verdict = weigh(Some(&page("/", stored)), &asked);
        assert_eq!(verdict.token, Some(expected), "{directory} {signed_in}");
    }
}

#[test]
fn a_login_left_over_from_before_the_jwt_is_not_believed() {
    let stored = [("user", r#"{"id":2,"username":"alice","role":1}"#)];
    for (directory, named) in [("newapi-era2", true), ("newapi-era3", false)] {
        let verdict = weigh(
            Some(&page("/", &stored)),
            &read_asked(&reported(directory)).unwrap(),
        );
        assert_eq!(
            (verdict.user_id.is_some(), verdict.username.is_some()),
            (named, named),
            "{directory}"
        );
    }
}

/// What `ask` reports of a server.
fn reported(directory: &str) -> String {
    let of = |what: &str, name: &str| {
        let response = recorded(&showing(directory, name));
        let headers: crate::sorted::SortedMap<_, _> = response.headers.iter().cloned().collect();
        serde_json::json!({"base": "https://relay.example", "what": what, "failed": false,
            "status": response.status, "headers": headers, "body": String::from_utf8(response.body).unwrap()})
    };
    serde_json::json!([of("status", "status"), of("self", "stranger")]).to_string()
}

#[test]
fn a_site_below_a_path_is_found_there_with_two_questions() {
    let places = |path: &str| -> Vec<String> {
        bases(&page(path, &[]))
            .iter()
            .map(|base| base.as_str().to_owned())
            .collect()
    };
    assert_eq!(places("/"), ["https://relay.example"]);
    assert_eq!(places("/console/token"), ["https://relay.example"]);
    assert_eq!(
        places("/relay/console/token"),
        ["https://relay.example/relay", "https://relay.example"]
    );
    // The root is somebody else's page, the path below it a relay.
    let mut reports: Value = serde_json::from_str(&reported("newapi-era3")).unwrap();
    reports[0]["base"] = "https://relay.example/relay".into();
    reports[1] = serde_json::json!({"base": "https://relay.example", "what": "status", "failed": false, "status": 200,
        "headers": {"content-type": "text/html"}, "body": "<html>"});
    let verdict = weigh(
        Some(&page("/relay/console", &[])),
        &read_asked(&reports.to_string()).unwrap(),
    );
    assert!(
        matches!(verdict.recognition, Recognition::Relay { base_url, .. } if base_url == "https://relay.example/relay")
    );
}

#[test]
fn a_report_that_does_not_read_is_no_report() {
    for text in [
        "",
        "null",
        "{}",
        r#"[{"base":"javascript:x","what":"status"}]"#,
        r#"[{"base":"https://a.example","what":"other"}]"#,
        r#"[{"base":"https://a.example","what":"self"}]"#,
    ] {
        assert!(read_asked(text).is_none(), "{text}");
    }
    for text in [
        "",
        "null",
        "[]",
        r#"{"origin":"null"}"#,
        r#"{"origin":"chrome://settings"}"#,
        r#"{"origin":""}"#,
    ] {
        assert!(read_evidence(text).is_none(), "{text}");
    }
    for (report, problem) in [
        (r#"{"problem":"signed-out"}"#, MakeProblem::SignedOut),
        (r#"{"problem":"limited"}"#, MakeProblem::Limited),
        (r#"{"problem":"no-answer"}"#, MakeProblem::NoAnswer),
        ("", MakeProblem::BadAnswer),
    ] {
        assert_eq!(read_shown_token(report).unwrap_err(), problem);
    }
    assert!(
        read_shown_token(r#"{"user_id":"2","token":null}"#)
            .unwrap()
            .token
            .is_none()
    );
    assert!(
        read_shown_token(r#"{"user_id":"2","token":"Pat+aliceA/0123456789abcdefghijA"}"#)
            .unwrap()
            .token
            .is_some()
    );
}

#[test]
fn a_made_token_arrives_or_it_is_said_whether_the_old_one_may_be_dead() {
    let made = read_made_token(
        r#"{"user_id":"2","username":"alice","token":"Pat+aliceA/0123456789abcdefghi=="}"#,
    );
    assert!(matches!(made, MadeToken::Made { user_id: Some(id), .. } if id == "2"));
    for (text, step, problem, doubt) in [
        (
            r#"{"step":"lock","problem":"busy"}"#,
            MakeStep::Lock,
            MakeProblem::Busy,
            false,
        ),
        (
            r#"{"step":"session","problem":"signed-out"}"#,
            MakeStep::Session,
            MakeProblem::SignedOut,
            false,
        ),
        (
            r#"{"step":"session","problem":"no-answer"}"#,
            MakeStep::Session,
            MakeProblem::NoAnswer,
            false,
        ),
        (
            r#"{"step":"session","problem":"other-user"}"#,
            MakeStep::Session,
            MakeProblem::OtherUser,
            false,
        ),
        (
            r#"{"step":"token","problem":"refused"}"#,
            MakeStep::Token,
            MakeProblem::Refused,
            false,
        ),
        (
            r#"{"step":"token","problem":"limited"}"#,
            MakeStep::Token,
            MakeProblem::Limited,
            false,
        ),
        (
            r#"{"step":"token","problem":"no-answer"}"#,
            MakeStep::Token,
            MakeProblem::NoAnswer,
            true,
        ),
        (
            r#"{"step":"token","problem":"bad-answer"}"#,
            MakeStep::Token,
            MakeProblem::BadAnswer,
            true,
        ),
        (
            r#"{"token":"**"}"#,
            MakeStep::Token,
            MakeProblem::BadAnswer,
            true,
        ),
        ("null", MakeStep::Token, MakeProblem::BadAnswer, true),
        ("", MakeStep::Token, MakeProblem::BadAnswer, true),
    ] {
        let MadeToken::Failed {
            step: s,
            problem: p,
            in_doubt,
        } = read_made_token(text)
        else {
            panic!("{text}")
        };
        assert_eq!((s, p, in_doubt), (step, problem, doubt), "{text}");
    }
    assert!(
        !format!(
            "{:?}",
            read_made_token(r#"{"token":"Pat+aliceA/0123456789abcdefghi=="}"#)
        )
        .contains("alice")
    );
}

#[test]
fn a_token_out_of_a_page_is_whole_or_says_why_not() {
    let report = r#"{"user_id":"2","username":"alice","token":"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIyIn0.c2ln","expires_at":1780000900}"#;
    let token = read_page_token(report).expect("a token");
    assert_eq!(
        (token.user_id.as_str(), token.expires_at),
        ("2", 1_780_000_900)
    );
    for (report, problem) in [
        (r#"{"problem":"signed-out"}"#, MakeProblem::SignedOut),
        (r#"{"problem":"other-user"}"#, MakeProblem::OtherUser),
        (r#"{"problem":"limited"}"#, MakeProblem::Limited),
        (r#"{"user_id":"2"}"#, MakeProblem::BadAnswer),
        (
            r#"{"token":"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIyIn0.c2ln"}"#,
            MakeProblem::BadAnswer,
        ),
        ("null", MakeProblem::BadAnswer),
        ("", MakeProblem::BadAnswer),
    ] {
        assert_eq!(read_page_token(report).unwrap_err(), problem, "{report}");
    }
}
