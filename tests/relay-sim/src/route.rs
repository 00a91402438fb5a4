//! Which handler a path reaches: the routers' tables as gin walks them, static words before `:id`.

use crate::kind::{Fork, Generation};

/// A routed path. What only an operator can reach is one variant: it is there to refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Status,
    Setup,
    /// `/api/notice` and the like: an empty text.
    EmptyText,
    Login,
    LoginSecondFactor,
    Logout,
    Refresh,
    SessionLogout,
    Sessions,
    SessionDelete(String),
    SessionsRevokeOthers,
    SelfRead,
    SelfWrite,
    AccessToken,
    SelfGroups,
    PublicGroups,
    UserModels,
    Catalogue,
    Prices,
    InviteCode,
    Dashboard,
    CheckInRead,
    CheckIn,
    Redeem,
    TopUpInfo,
    AdminUsers,
    AdminUser(String),
    AdminGroups,
    AdminOther,
    KeyList,
    KeySearch,
    KeyRead(String),
    KeyCreate,
    KeyWrite,
    KeyDelete(String),
    KeyDeleteMany,
    HubGroups,
    HubModels,
    HubRate,
    Playground,
    VeloeraCheckInRead,
    VeloeraCheckIn,
    KeyReveal(String),
    KeyRevealMany,
    AutoGroups,
    KeyUsage,
    KeyLog,
    LogSelf,
    LogStat,
    LogSearch,
    DataSelf,
    Models,
    ModelsGemini,
    Subscription,
    BillingUsage,
    Chat,
}

impl Route {
    /// Routes outside `/api` are answered by the relay; billing is limited like `/api`.
    pub(crate) fn is_relay(&self) -> bool {
        matches!(self, Self::Models | Self::ModelsGemini | Self::Chat)
    }

    pub(crate) fn is_billing(&self) -> bool {
        matches!(self, Self::Subscription | Self::BillingUsage)
    }
}

/// The handler of this method and path, if the build has one
/// (router/api-router.go, relay-router.go, dashboard.go of each commit).
pub(crate) fn route(
    fork: Option<Fork>,
    generation: Generation,
    method: &str,
    path: &str,
) -> Option<Route> {
    match fork {
        None => build(generation, method, path),
        Some(fork) => forked(fork, method, path).unwrap_or_else(|| build(generation, method, path)),
    }
}

/// What a fork routes otherwise than its build; `Some(None)`: it has no such route
/// (8117f302, 387f8bf1, 42841b35 router/api-router.go, relay-router.go).
fn forked(fork: Fork, method: &str, path: &str) -> Option<Option<Route>> {
    let parts: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
    let found = match (fork.is_hub(), method, &parts[..]) {
        (true, "GET", ["api", "user_group_map"]) => Route::HubGroups,
        (true, "GET", ["api", "available_model"]) => Route::HubModels,
        (true, "GET", ["api", "user", "dashboard", "rate"]) => Route::HubRate,
        (true, "GET", ["api", "token", "playground"]) => Route::Playground,
        // No search there: the word falls into `/:id`.
        (true, "GET", ["api", "token", "search"]) => Route::KeyRead("search".to_owned()),
        (true, "GET", ["api", "user", "available_models"]) => {
            Route::AdminUser("available_models".to_owned())
        }
        (true, "GET", ["api", "models"]) | (true, "GET", ["api", "log", "self", "search"]) => {
            return Some(None);
        }
        (false, "GET", ["api", "user", "check_in_status"]) => Route::VeloeraCheckInRead,
        (false, "POST", ["api", "user", "check_in"]) => Route::VeloeraCheckIn,
        _ => return None,
    };
    Some(Some(found))
}

fn build(generation: Generation, method: &str, path: &str) -> Option<Route> {
    use Generation::{April2025, Cookie, Jwt, OneApi};
    let new_api = generation != OneApi;
    let masked = generation.masks();
    let jwt = generation == Jwt;
    let parts: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
    Some(match (method, &parts[..]) {
        ("GET", ["api", "status"]) => Route::Status,
        ("GET", ["api", "setup"]) if new_api => Route::Setup,
        ("GET", ["api", "notice" | "about" | "home_page_content"]) => Route::EmptyText,
        ("GET", ["api", "user-agreement" | "privacy-policy"]) if masked => Route::EmptyText,
        ("GET", ["api", "models"]) => Route::Catalogue,
        ("GET", ["api", "pricing"]) if new_api => Route::Prices,
        ("GET", ["api", "group", ""]) => Route::AdminGroups,

        ("POST", ["api", "user", "login"]) => Route::Login,
        ("POST", ["api", "user", "login", "2fa"]) if masked => Route::LoginSecondFactor,
        ("GET", ["api", "user", "logout"]) if !jwt => Route::Logout,
        ("POST", ["api", "user", "auth", "refresh"]) if jwt => Route::Refresh,
        ("POST", ["api", "user", "auth", "logout"]) if jwt => Route::SessionLogout,
        ("GET", ["api", "user", "sessions"]) if jwt => Route::Sessions,
        ("POST", ["api", "user", "sessions", "revoke-others"]) if jwt => {
            Route::SessionsRevokeOthers
        }
        ("DELETE", ["api", "user", "sessions", sid]) if jwt => {
            Route::SessionDelete((*sid).to_owned())
        }
        ("GET", ["api", "user", "self"]) => Route::SelfRead,
        ("PUT", ["api", "user", "self"]) => Route::SelfWrite,
        ("GET", ["api", "user", "self", "groups"]) if new_api => Route::SelfGroups,
        ("GET", ["api", "user", "groups"]) if new_api => Route::PublicGroups,
        ("GET", ["api", "user", "models"]) if new_api => Route::UserModels,
        ("GET", ["api", "user", "available_models"]) if !new_api => Route::UserModels,
        ("GET", ["api", "user", "dashboard"]) if !new_api => Route::Dashboard,
        ("GET", ["api", "user", "token"]) => Route::AccessToken,
        ("GET", ["api", "user", "aff"]) => Route::InviteCode,
        ("GET", ["api", "user", "checkin"]) if masked => Route::CheckInRead,
        ("POST", ["api", "user", "checkin"]) if masked => Route::CheckIn,
        ("POST", ["api", "user", "topup"]) => Route::Redeem,
        ("GET", ["api", "user", "topup", "info"]) if masked => Route::TopUpInfo,
        ("GET", ["api", "user", ""]) => Route::AdminUsers,
        ("GET", ["api", "user", id]) if !id.is_empty() => Route::AdminUser((*id).to_owned()),

        ("GET", ["api", "token", ""]) => Route::KeyList,
        ("POST", ["api", "token", ""]) => Route::KeyCreate,
        ("PUT", ["api", "token", ""]) => Route::KeyWrite,
        ("GET", ["api", "token", "search"]) => Route::KeySearch,
        ("GET", ["api", "token", "auto-groups"]) if jwt => Route::AutoGroups,
        ("GET", ["api", "token", id]) if !id.is_empty() => Route::KeyRead((*id).to_owned()),
        ("DELETE", ["api", "token", id]) if !id.is_empty() => Route::KeyDelete((*id).to_owned()),
        ("POST", ["api", "token", "batch"]) if masked => Route::KeyDeleteMany,
        ("POST", ["api", "token", "batch", "keys"]) if masked => Route::KeyRevealMany,
        ("POST", ["api", "token", id, "key"]) if masked => Route::KeyReveal((*id).to_owned()),

        ("GET", ["api", "usage", "token", ""]) if masked => Route::KeyUsage,
        ("GET", ["api", "log", "token"]) if new_api => Route::KeyLog,
        ("GET", ["api", "log", "self"]) => Route::LogSelf,
        ("GET", ["api", "log", "self", "stat"]) => Route::LogStat,
        ("GET", ["api", "log", "self", "search"]) => Route::LogSearch,
        ("GET", ["api", "data", "self"]) if new_api => Route::DataSelf,
        (_, ["api", "channel" | "option" | "redemption", _]) => Route::AdminOther,

        ("GET", ["v1", "models"]) => Route::Models,
        ("GET", ["v1beta", "openai", "models"]) if masked => Route::Models,
        ("GET", ["v1beta", "models"]) if masked => Route::ModelsGemini,
        ("POST", ["v1", "chat", "completions"]) => Route::Chat,
        (
            "GET",
            ["dashboard", "billing", "subscription"]
            | ["v1", "dashboard", "billing", "subscription"],
        ) => Route::Subscription,
        ("GET", ["dashboard", "billing", "usage"] | ["v1", "dashboard", "billing", "usage"]) => {
            Route::BillingUsage
        }
        _ => match generation {
            April2025 | Cookie | Jwt | OneApi => return None,
        },
    })
}

/// Where gin redirects when only the trailing slash is wrong.
pub(crate) fn other_slash(
    fork: Option<Fork>,
    generation: Generation,
    method: &str,
    path: &str,
) -> Option<String> {
    let other = match path.strip_suffix('/') {
        Some(shorter) if !shorter.is_empty() => shorter.to_owned(),
        Some(_) => return None,
        None => format!("{path}/"),
    };
    route(fork, generation, method, &other)
        .is_some()
        .then_some(other)
}
