//! The servers' in-memory rate limiters, with their real numbers.

use std::collections::{HashMap, VecDeque};

use serde_json::{Value, json};

use crate::kind::{Fork, Generation};

/// One of the shared buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Bucket {
    /// Everything under `/api` and the billing endpoints, per address.
    Api,
    /// Pages and every path without a route, per address.
    Web,
    /// Login, refresh, reveal, key usage and the like, per address.
    Critical,
    /// Making an access token, per user (QuantumNous/new-api 1da23d6b3, 2026-08-07).
    AccessToken,
    /// Key search, per user.
    Search,
}

/// So many requests in so many seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    pub(crate) count: usize,
    pub(crate) seconds: i64,
}

/// What the operator changed by flag or control call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    pub(crate) off: bool,
    pub(crate) rates: HashMap<Bucket, Rate>,
}

/// All queues of one site.
#[derive(Clone, Debug, Default)]
pub(crate) struct Limits {
    pub(crate) changes: Changes,
    /// The fork whose defaults these are.
    pub(crate) fork: Option<Fork>,
    queues: HashMap<(Bucket, String), VecDeque<i64>>,
}

impl Bucket {
    pub(crate) const ALL: [Self; 5] = [
        Self::Api,
        Self::Web,
        Self::Critical,
        Self::AccessToken,
        Self::Search,
    ];

    /// The short name used by flags and by the servers' own keys.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Api => "ga",
            Self::Web => "gw",
            Self::Critical => "ct",
            Self::AccessToken => "uc",
            Self::Search => "sr",
        }
    }

    pub(crate) fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|bucket| bucket.word() == word)
    }

    /// Defaults of common/init.go (New API) and common/config/config.go (One API); each number
    /// was also counted on the running server.
    pub(crate) fn rate(self, generation: Generation) -> Option<Rate> {
        use Generation::{April2025, Cookie, Jwt, OneApi};
        let (count, seconds) = match (self, generation) {
            (Self::Api, Cookie | Jwt) => (360, 180),
            (Self::Api, April2025) => (180, 180),
            (Self::Api, OneApi) => (480, 180),
            (Self::Web, Cookie | Jwt) => (120, 180),
            (Self::Web, April2025) => (60, 180),
            (Self::Web, OneApi) => (240, 180),
            (Self::Critical, _) => (20, 1200),
            (Self::AccessToken, Jwt) => (20, 1200),
            (Self::Search, Cookie | Jwt) => (10, 60),
            (Self::AccessToken, April2025 | Cookie | OneApi)
            | (Self::Search, April2025 | OneApi) => return None,
        };
        Some(Rate { count, seconds })
    }
}

impl Bucket {
    /// [387f8bf1, 42841b35 common/config; each number counted on the running servers]
    fn hub_rate(self, fork: Fork) -> Option<Rate> {
        let done = fork == Fork::DoneHub;
        let (count, seconds) = match self {
            Self::Api => (300, 180),
            Self::Web => (if done { 300 } else { 180 }, 180),
            Self::Critical => (if done { 200 } else { 20 }, 1200),
            Self::AccessToken | Self::Search => return None,
        };
        Some(Rate { count, seconds })
    }
}

impl Changes {
    /// Reads `off`, or pairs like `ct=20/1200`.
    pub(crate) fn read(&mut self, word: &str, value: &str) -> Result<(), String> {
        if word == "limits" {
            self.off = match value {
                "off" => true,
                "on" => false,
                _ => return Err(format!("limits={value}: on or off")),
            };
            return Ok(());
        }
        let bucket = Bucket::read(word).ok_or_else(|| format!("no limiter is called {word}"))?;
        let (count, seconds) = value
            .split_once('/')
            .and_then(|(count, seconds)| Some((count.parse().ok()?, seconds.parse().ok()?)))
            .ok_or_else(|| format!("{word}={value}: COUNT/SECONDS, such as 20/1200"))?;
        self.rates.insert(bucket, Rate { count, seconds });
        Ok(())
    }
}

impl Limits {
    pub(crate) fn new(changes: Changes, fork: Option<Fork>) -> Self {
        Self {
            changes,
            fork,
            queues: HashMap::new(),
        }
    }

    pub(crate) fn rate(&self, bucket: Bucket, generation: Generation) -> Option<Rate> {
        let real = match self.fork {
            Some(fork) if fork.is_hub() => bucket.hub_rate(fork),
            Some(_) | None => bucket.rate(generation),
        }?;
        (!self.changes.off).then(|| self.changes.rates.get(&bucket).copied().unwrap_or(real))
    }

    /// Counts one request; `Err` is the window in seconds. A sliding window over a queue of the
    /// accepted requests' times, a refused request is not counted
    /// (common/rate-limit.go InMemoryRateLimiter.Request of all four servers).
    pub(crate) fn take(
        &mut self,
        bucket: Bucket,
        generation: Generation,
        who: &str,
        now: i64,
    ) -> Result<(), i64> {
        let Some(rate) = self.rate(bucket, generation) else {
            return Ok(());
        };
        let queue = self.queues.entry((bucket, who.to_owned())).or_default();
        if queue.len() >= rate.count {
            match queue.front() {
                Some(oldest) if now - oldest >= rate.seconds => {
                    queue.pop_front();
                }
                _ => return Err(rate.seconds),
            }
        }
        queue.push_back(now);
        Ok(())
    }

    /// Fills a bucket to the brim, as if all its requests had just been made.
    pub(crate) fn exhaust(&mut self, bucket: Bucket, generation: Generation, who: &str, now: i64) {
        if let Some(rate) = self.rate(bucket, generation) {
            let queue = std::iter::repeat_n(now, rate.count).collect();
            self.queues.insert((bucket, who.to_owned()), queue);
        }
    }

    /// Nobody changed a rate.
    pub(crate) fn usual(&self) -> bool {
        self.changes.rates.is_empty() && self.queues.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.queues.clear();
    }

    /// Every counter as it stands.
    pub(crate) fn show(&self, generation: Generation) -> Value {
        let mut rows: Vec<Value> = Vec::new();
        for bucket in Bucket::ALL {
            let rate = self.rate(bucket, generation);
            let mut used: Vec<(&String, usize)> = self
                .queues
                .iter()
                .filter(|((each, _), _)| *each == bucket)
                .map(|((_, who), queue)| (who, queue.len()))
                .collect();
            used.sort();
            rows.push(json!({
                "bucket": bucket.word(),
                "limit": rate.map(|rate| rate.count),
                "seconds": rate.map(|rate| rate.seconds),
                "used": used.into_iter().map(|(who, n)| json!({"by": who, "count": n})).collect::<Vec<_>>(),
            }));
        }
        Value::Array(rows)
    }
}
