//! The kinds of site: one table. A fork that differs from a kind that is here in constants alone is
//! one more entry of [`kinds!`], and nothing else of the product changes.
//!
//! Commits cited: New API e2c7aa7b, before it 5a6c53d4 and ef8ae4db; One API 8df4a267; Veloera
//! 8117f302; one-hub 387f8bf1; done-hub 42841b35. Trailing slashes in paths are canonical: gin
//! answers 301 or 307 to the other form, and redirects are never followed with a credential.

use crate::{AddressRule, KeyAbilities};
use serde::{Deserialize, Serialize};

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident {
        name: $name:literal,
        $(unproven: $unproven:literal,)?
        $(user_header: $header:literal,)?
        habits: $habits:expr,
    })*) => {
        /// Which software runs at a site.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum SiteKind { $($(#[$doc])* $kind),* }

        impl SiteKind {
            /// Every kind, in the order they are offered.
            pub const ALL: [Self; [$(Self::$kind),*].len()] = [$(Self::$kind),*];

            /// The software's own name; never translated.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$kind => $name),* }
            }

            /// What is known of it comes from what others say, not from its source and not from a
            /// server that was asked.
            #[must_use]
            pub const fn unproven(self) -> bool {
                match self { $(Self::$kind => false $(|| $unproven)?),* }
            }

            /// The header that must name the user besides the token.
            #[must_use]
            pub const fn user_header(self) -> Option<&'static str> {
                match self { $(Self::$kind => kinds!(@ $($header)?)),* }
            }

            /// What it wants to be asked, and how it answers.
            #[must_use]
            pub const fn habits(self) -> &'static Habits {
                match self { $(Self::$kind => const { &$habits }),* }
            }
        }
    };
    (@ $header:literal) => { Some($header) };
    (@) => { None };
}

impl SiteKind {
    /// Requests must name the user besides the token.
    #[must_use]
    pub const fn needs_user_id(self) -> bool {
        self.user_header().is_some()
    }

    /// Has no access tokens: one signs in with e-mail and password, or follows an open page.
    #[must_use]
    pub const fn signs_in(self) -> bool {
        self.habits().signs_in
    }

    /// The one address it stands at, where there is only one.
    #[must_use]
    pub const fn home(self) -> Option<&'static str> {
        self.habits().home
    }

    /// The same software as another, as far as it shows: itself, or what it was made from.
    #[must_use]
    pub fn may_pass_for(self, other: Self) -> bool {
        self == other || self.habits().fork_of == Some(other)
    }
}

/// One kind's habits: constants only.
#[derive(Clone, Debug)]
pub struct Habits {
    /// What its sites understand.
    pub protocol: Protocol,
    /// Has no access tokens: one signs in with e-mail and password, or follows an open page.
    pub signs_in: bool,
    /// The one address it stands at, where there is only one.
    pub home: Option<&'static str>,
    /// The kind it was made from and answers as.
    pub fork_of: Option<SiteKind>,
    /// What tells it apart.
    pub marks: Marks,
    /// It comes in the generations of New API, which change masks, limits and logins.
    pub generations: bool,
    /// Its pages keep who is signed in, in `localStorage`.
    pub names_login: bool,
    /// It shows a login its own access token, whatever the generation.
    pub shows_token: bool,
    /// What follows `p=<page>` in a list request; ends in `=` where the page is wanted once more.
    pub list_query: &'static str,
    /// Lists are bare arrays counted from page 0. `None`: the first answer shows it.
    pub zero_based: Option<bool>,
    /// A full page's length, where the server takes no wish for it.
    pub page_len: Option<u32>,
    /// Listed keys may be masked, and how one is revealed.
    pub reveals: Option<RevealBy>,
    /// A key stands in full only in the answer to its making.
    pub shown_once: bool,
    /// The status that disables a key.
    pub disabled: i64,
    /// Where the groups a login may use are listed.
    pub groups: Option<&'static str>,
    /// That list knows no access token: the login's own group, if nobody else may use it, is
    /// missing in it.
    pub groups_for_anyone: bool,
    /// Where the models a login may use are listed; empty where keys are not limited to models.
    pub models: &'static str,
    /// What is asked of the logs; the page's number follows.
    pub log_query: &'static str,
    /// The number of the first page of logs.
    pub first_log_page: u32,
    /// The length of a full page of logs.
    pub log_page_len: usize,
    /// Keys can be asked for their own quota.
    pub key_usage: bool,
    /// How a key's limits are written.
    pub limits: LimitNames,
    /// What its keys can be set to; generations change it.
    pub can: KeyAbilities,
}

/// What a kind's sites understand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// One API's, and all that came from it.
    Family,
    /// Sub2API's.
    Sub2Api,
    /// OpenRouter's management API.
    OpenRouter,
}

/// What tells a kind from the others.
#[derive(Clone, Copy, Debug)]
pub struct Marks {
    /// Fields of `GET /api/status`: of each set at least so many.
    pub fields: &'static [(&'static [&'static str], usize)],
    /// Fields there that it does not have.
    pub without: &'static [&'static str],
    /// A header of every answer.
    pub header: Option<&'static str>,
    /// Entries that only its pages leave in `localStorage`.
    pub stored: &'static [&'static str],
    /// Hosts that are known to run it.
    pub hosts: &'static [&'static str],
}

/// How one masked key is revealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevealBy {
    /// `POST /api/token/{id}/key`.
    Post,
    /// `GET /api/token/{id}/key`.
    Get,
}

/// How a kind writes what its keys are limited to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitNames {
    /// `model_limits` behind the switch `model_limits_enabled`, `allow_ips` one a line, `group`.
    /// [QuantumNous/new-api e2c7aa7b model/token.go]
    Switched,
    /// `models` and `subnet`, both with commas and without a switch; no groups.
    /// [songquanpeng/one-api 8df4a267 model/token.go]
    Bare,
    /// Lists with switches in `setting.limits`, beside much else that is not ours; `group`.
    /// [MartialBE/one-hub 387f8bf1, deanxv/done-hub 42841b35 model/token.go]
    Nested,
}

const NO_MARKS: Marks = Marks {
    fields: &[],
    without: &[],
    header: None,
    stored: &[],
    hosts: &[],
};

/// New API has had these since before April 2025, and so has Veloera; One API never
/// [ef8ae4db, 8117f302, 8df4a267 controller/misc.go].
const NEW_API_FIELDS: &[&str] = &["setup", "chats", "price", "self_use_mode_enabled"];
/// [387f8bf1, 42841b35 controller/misc.go]
const HUB_FIELDS: &[&str] = &["PaymentUSDRate", "EnableSafe", "UptimeEnabled"];
/// [42841b35 controller/misc.go]
const DONE_HUB_FIELDS: &[&str] = &[
    "invite_code_register",
    "max_log_query_days",
    "GeminiAPIEnabled",
];

/// QuantumNous/new-api. `p`, `page_size` (before: `size`, for one week of July 2025 `page`);
/// April 2025 takes `p` from 0 and answers a bare array [ef8ae4db, e2c7aa7b common/page_info.go].
const NEW_API: Habits = Habits {
    protocol: Protocol::Family,
    signs_in: false,
    home: None,
    fork_of: None,
    marks: Marks {
        fields: &[(NEW_API_FIELDS, 2)],
        without: &[
            "lark_client_id",
            "check_in_enabled",
            "PaymentUSDRate",
            "EnableSafe",
            "UptimeEnabled",
            "invite_code_register",
            "GeminiAPIEnabled",
        ],
        header: Some("x-new-api-version"),
        // The newer front end, and the field that came with it [e2c7aa7b web/src].
        stored: &["newapi:default:cache-version", "quota_display_type"],
        hosts: &[],
    },
    generations: true,
    names_login: true,
    shows_token: false,
    list_query: "&page_size=100&size=100&page=",
    zero_based: None,
    page_len: None,
    reveals: Some(RevealBy::Post),
    shown_once: false,
    disabled: 2,
    groups: Some("/api/user/self/groups"),
    groups_for_anyone: false,
    models: "/api/user/models",
    log_query: "type=2&page_size=100&size=100&p=",
    first_log_page: 1,
    log_page_len: 100,
    key_usage: true,
    limits: LimitNames::Switched,
    can: KeyAbilities {
        // 30 before 2025-12-04, bytes not characters [e2c7aa7b controller/token.go].
        name_bytes: 50,
        // The code says 10^9 dollars and clamps that to 32 bits (seen on e2c7aa7b).
        most_quota: Some(2_147_483_647),
        html_names: false,
        zero_is_unlimited: false,
        denied: false,
        windows: false,
        models: true,
        addresses: AddressRule::Any,
        groups: true,
        cross_group_retry: false,
        auto_groups: false,
    },
};

/// songquanpeng/one-api 8df4a267: `p` from 0, always 10 a page, full keys [controller/token.go].
const ONE_API: Habits = Habits {
    marks: Marks {
        fields: &[(&["lark_client_id"], 1)],
        without: &[
            "setup",
            "chats",
            "price",
            "check_in_enabled",
            "PaymentUSDRate",
            "EnableSafe",
            "UptimeEnabled",
            "invite_code_register",
            "GeminiAPIEnabled",
        ],
        ..NO_MARKS
    },
    generations: false,
    list_query: "",
    zero_based: Some(true),
    page_len: Some(10),
    reveals: None,
    groups: None,
    models: "/api/user/available_models",
    first_log_page: 0,
    log_page_len: 10,
    key_usage: false,
    limits: LimitNames::Bare,
    can: KeyAbilities {
        name_bytes: 30,
        most_quota: None,
        addresses: AddressRule::NetworksOnly,
        groups: false,
        ..NEW_API.can
    },
    ..NEW_API
};

/// Veloera/Veloera 8117f302, from New API of April 2025: keys from page 0 as a bare array, logs
/// from page 1 as a page object [controller/token.go, controller/log.go]. Networks in `allow_ips`
/// are dropped, and a list with no plain address left is no limit at all (seen live).
const VELOERA: Habits = Habits {
    marks: Marks {
        fields: &[(NEW_API_FIELDS, 2), (&["check_in_enabled"], 1)],
        without: &[
            "checkin_enabled",
            "quota_display_type",
            "lark_client_id",
            "PaymentUSDRate",
            "EnableSafe",
            "UptimeEnabled",
        ],
        ..NO_MARKS
    },
    generations: false,
    shows_token: true,
    zero_based: Some(true),
    reveals: None,
    key_usage: false,
    can: KeyAbilities {
        name_bytes: 30,
        most_quota: None,
        addresses: AddressRule::PlainOnly,
        ..NEW_API.can
    },
    ..NEW_API
};

/// MartialBE/one-hub 387f8bf1: `page` from 1, `size` up to 100 (101 is refused), and an order
/// [model/common.go]. The list of groups reads the page's cookie and no access token (seen live).
/// Pages keep no login, but the site shows each login its token.
const ONE_HUB: Habits = Habits {
    marks: Marks {
        fields: &[(HUB_FIELDS, 1)],
        without: DONE_HUB_FIELDS,
        ..NO_MARKS
    },
    generations: false,
    names_login: false,
    shows_token: true,
    list_query: "&size=100&order=-id&page=",
    zero_based: Some(false),
    reveals: None,
    groups: Some("/api/user_group_map"),
    groups_for_anyone: true,
    models: "/api/available_model",
    log_query: "log_type=2&size=100&page=",
    key_usage: false,
    limits: LimitNames::Nested,
    can: KeyAbilities {
        name_bytes: 30,
        most_quota: None,
        ..NEW_API.can
    },
    ..NEW_API
};

/// deanxv/done-hub 42841b35, from one-hub.
const DONE_HUB: Habits = Habits {
    marks: Marks {
        fields: &[(DONE_HUB_FIELDS, 1)],
        without: &["setup", "chats", "check_in_enabled"],
        ..NO_MARKS
    },
    ..ONE_HUB
};

/// AIHubMix (aihubmix.com): a closed fork of One API, by its public documentation (docs.aihubmix.com,
/// CLI endpoints) and what another client does with it; nobody here has an account to prove it with.
const AI_HUB_MIX: Habits = Habits {
    home: Some("https://aihubmix.com"),
    marks: NO_MARKS,
    names_login: false,
    // "Adjust num parameter to change the number of output data" (docs.aihubmix.com/en/api/Cli).
    list_query: "&num=100",
    page_len: None,
    shown_once: true,
    // "Key status. 0 means disabled, 1 means enabled" (docs.aihubmix.com update-key); One API has 2.
    disabled: 0,
    ..ONE_API
};

/// A kind with a protocol of its own: its requests stand in its file (`core/src/site`), and what
/// stands here is what the shared flows ask for.
const OF_ITS_OWN: Habits = Habits {
    marks: NO_MARKS,
    names_login: false,
    list_query: "",
    zero_based: None,
    page_len: Some(100),
    models: "",
    log_page_len: 100,
    key_usage: true,
    ..ONE_API
};

/// A closed fork of New API: what is known is what other clients send to it.
const NEW_API_FORK: Habits = Habits {
    fork_of: Some(SiteKind::NewApi),
    marks: NO_MARKS,
    ..NEW_API
};

kinds! {
    /// New API (QuantumNous/new-api, formerly Calcium-Ion/new-api).
    NewApi {
        name: "New API",
        // Required until 2026-07-20 and ignored after [31d70fca3].
        user_header: "New-Api-User",
        habits: NEW_API,
    }
    /// One API (songquanpeng/one-api).
    OneApi {
        name: "One API",
        habits: ONE_API,
    }
    /// One Hub (MartialBE/one-hub).
    OneHub {
        name: "One Hub",
        habits: ONE_HUB,
    }
    /// Done Hub (deanxv/done-hub).
    DoneHub {
        name: "Done Hub",
        habits: DONE_HUB,
    }
    /// Veloera (Veloera/Veloera).
    Veloera {
        name: "Veloera",
        // A request with New-Api-User alone is refused (seen live).
        user_header: "Veloera-User",
        habits: VELOERA,
    }
    /// Sub2API (Wei-Shaw/sub2api).
    Sub2Api {
        name: "Sub2API",
        habits: Habits { protocol: Protocol::Sub2Api, signs_in: true, ..OF_ITS_OWN },
    }
    /// AIHubMix (aihubmix.com), a closed fork of One API.
    AiHubMix {
        name: "AIHubMix",
        unproven: true,
        habits: AI_HUB_MIX,
    }
    /// OpenRouter (openrouter.ai), by its management API.
    OpenRouter {
        name: "OpenRouter",
        unproven: true,
        habits: Habits {
            protocol: Protocol::OpenRouter,
            home: Some("https://openrouter.ai"),
            zero_based: Some(true),
            shown_once: true,
            log_page_len: 0,
            ..OF_ITS_OWN
        },
    }
    /// AnyRouter: check-in scripts send New API's header and paths to it.
    AnyRouter {
        name: "AnyRouter",
        unproven: true,
        user_header: "New-Api-User",
        habits: Habits { marks: Marks { hosts: &["anyrouter.top"], ..NO_MARKS }, ..NEW_API_FORK },
    }
    /// WONG: a key is revealed by GET [qixing-jk/all-api-hub, tokenTransport.ts].
    Wong {
        name: "WONG",
        unproven: true,
        user_header: "New-Api-User",
        habits: Habits {
            marks: Marks { hosts: &["wzw.pp.ua"], ..NO_MARKS },
            reveals: Some(RevealBy::Get),
            ..NEW_API_FORK
        },
    }
    /// VoAPI of the first generation (the second speaks another protocol).
    VoApi {
        name: "VoAPI 1",
        unproven: true,
        user_header: "voapi-user",
        habits: NEW_API_FORK,
    }
    /// Super-API: clients send it the general header.
    SuperApi {
        name: "Super-API",
        unproven: true,
        user_header: "User-id",
        habits: NEW_API_FORK,
    }
    /// Rix-API: keys have `remain_count`, `unlimited_count` and `exclude_ips` besides, and a `PUT`
    /// replaces them all (documentation of DMXAPI).
    RixApi {
        name: "Rix-API",
        unproven: true,
        user_header: "Rix-Api-User",
        habits: NEW_API_FORK,
    }
    /// Neo-API.
    NeoApi {
        name: "Neo-API",
        unproven: true,
        user_header: "neo-api-user",
        habits: NEW_API_FORK,
    }
    /// v-api: models as One API lists them [qixing-jk/all-api-hub, newApiFamily/variants].
    VApi {
        name: "v-api",
        unproven: true,
        user_header: "X-Api-User",
        habits: Habits { models: "/api/user/available_models", ..NEW_API_FORK },
    }
}
