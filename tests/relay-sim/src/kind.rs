//! Which software a simulated site runs.

/// What answers on a simulated origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A relay server of one generation.
    Relay(Generation),
    /// A fork that differs from the build it was made from.
    Fork(Fork),
    /// Sub2API 0.1.179 (Wei-Shaw/sub2api 67380eaf).
    Sub2Api,
    /// AIHubMix by its documentation.
    AiHubMix,
    /// OpenRouter's management API by its documentation.
    OpenRouter,
    /// Another product whose answers look alike: `success:true` and planted localStorage.
    Lookalike,
    /// An ordinary web page.
    Plain,
    /// 200 and HTML for every path, as single-page sites behind a catch-all do.
    HtmlEverything,
    /// Answers 200 to anything; there to be looked at through its log.
    Catcher,
}

/// The four server builds whose answers were recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// Calcium-Ion/new-api ef8ae4db, 2025-04-11: cookie session, full keys, bare arrays.
    April2025,
    /// QuantumNous/new-api 5a6c53d4, 2026-07-18: cookie session, masked keys.
    Cookie,
    /// QuantumNous/new-api e2c7aa7b, 2026-08-15: JWT and refresh cookie, masked keys.
    Jwt,
    /// songquanpeng/one-api 8df4a267, 2025-02-21.
    OneApi,
}

/// Forks whose answers were recorded too. Each is served as the build it comes from, but for what
/// its own source does differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fork {
    /// Veloera/Veloera 8117f302, 2025-06-18, from New API of April 2025.
    Veloera,
    /// MartialBE/one-hub 387f8bf1, 2026-02-20, from One API.
    OneHub,
    /// deanxv/done-hub 42841b35, 2026-08-21, from one-hub.
    DoneHub,
}

impl Fork {
    const ALL: [Self; 3] = [Self::Veloera, Self::OneHub, Self::DoneHub];

    fn word(self) -> &'static str {
        match self {
            Self::Veloera => "veloera",
            Self::OneHub => "onehub",
            Self::DoneHub => "donehub",
        }
    }

    /// One of the two hubs.
    pub(crate) fn is_hub(self) -> bool {
        match self {
            Self::OneHub | Self::DoneHub => true,
            Self::Veloera => false,
        }
    }

    /// The build it comes from.
    fn from(self) -> Generation {
        match self {
            Self::Veloera => Generation::April2025,
            Self::OneHub | Self::DoneHub => Generation::OneApi,
        }
    }

    /// The site's name when the operator gave none.
    pub(crate) fn default_name(self) -> &'static str {
        match self {
            Self::Veloera => "Veloera",
            Self::OneHub => "One Hub",
            Self::DoneHub => "Done Hub",
        }
    }
}

impl Kind {
    /// The build that answers, and what fork of it.
    pub(crate) fn build(self) -> Option<(Generation, Option<Fork>)> {
        match self {
            Self::Relay(generation) => Some((generation, None)),
            Self::Fork(fork) => Some((fork.from(), Some(fork))),
            Self::AiHubMix => Some((Generation::OneApi, None)),
            Self::Sub2Api
            | Self::OpenRouter
            | Self::Lookalike
            | Self::Plain
            | Self::HtmlEverything
            | Self::Catcher => None,
        }
    }

    /// Reads the word used on the command line and in the control API.
    pub fn read(word: &str) -> Option<Self> {
        Some(match word {
            "newapi-2025-04" => Self::Relay(Generation::April2025),
            "newapi-cookie" => Self::Relay(Generation::Cookie),
            "newapi-jwt" => Self::Relay(Generation::Jwt),
            "oneapi" => Self::Relay(Generation::OneApi),
            "sub2api" => Self::Sub2Api,
            "aihubmix" => Self::AiHubMix,
            "openrouter" => Self::OpenRouter,
            "lookalike" => Self::Lookalike,
            "plain" => Self::Plain,
            "html-everything" => Self::HtmlEverything,
            "catcher" => Self::Catcher,
            word => Self::Fork(Fork::ALL.into_iter().find(|fork| fork.word() == word)?),
        })
    }

    /// The word that [`Kind::read`] understands.
    pub fn word(self) -> &'static str {
        match self {
            Self::Relay(Generation::April2025) => "newapi-2025-04",
            Self::Relay(Generation::Cookie) => "newapi-cookie",
            Self::Relay(Generation::Jwt) => "newapi-jwt",
            Self::Relay(Generation::OneApi) => "oneapi",
            Self::Fork(fork) => fork.word(),
            Self::Sub2Api => "sub2api",
            Self::AiHubMix => "aihubmix",
            Self::OpenRouter => "openrouter",
            Self::Lookalike => "lookalike",
            Self::Plain => "plain",
            Self::HtmlEverything => "html-everything",
            Self::Catcher => "catcher",
        }
    }
}

impl Generation {
    /// Keys are masked in lists since QuantumNous/new-api d67f446b6 (2026-03-08).
    pub(crate) fn masks(self) -> bool {
        matches!(self, Self::Cookie | Self::Jwt)
    }

    /// Builds before c44474608 (2026-02-05) and One API answer in Chinese whatever is asked for.
    pub(crate) fn translates(self) -> bool {
        self.masks()
    }

    /// The site's name when the operator gave none.
    pub(crate) fn default_name(self) -> &'static str {
        match self {
            Self::April2025 | Self::Cookie | Self::Jwt => "New API",
            Self::OneApi => "One API",
        }
    }

    /// Longest key name in bytes: 50 since 6680517ae (2025-12-04), 30 before and on One API.
    pub(crate) fn name_limit(self) -> usize {
        if self.masks() { 50 } else { 30 }
    }
}
