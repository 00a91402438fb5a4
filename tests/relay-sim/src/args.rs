//! The command line.

use crate::kind::Kind;
use crate::limits::Changes;
use crate::state::Unit;

/// What the process is asked to do.
#[derive(Clone, Debug)]
pub struct Args {
    /// One entry for every origin.
    pub sites: Vec<SiteArgs>,
    /// The port of the control API; 0 takes any.
    pub control_port: u16,
    /// End when standard input closes.
    pub die_with_parent: bool,
    /// End by itself after so many seconds.
    pub seconds: u64,
}

/// How one site is set up.
#[derive(Clone, Debug)]
pub struct SiteArgs {
    /// What runs there.
    pub kind: Kind,
    /// The port; 0 takes any.
    pub port: u16,
    /// Its name, else the server's default.
    pub name: Option<String>,
    /// Keys of the demo user.
    pub keys: usize,
    /// Login of the demo user.
    pub user: String,
    /// Password of the demo user.
    pub password: String,
    /// Access token of the demo user, else one is made.
    pub access_token: Option<String>,
    /// Sub path everything is mounted under, such as `/sub`.
    pub path: String,
    /// Seed of everything that looks random.
    pub seed: u64,
    /// Milliseconds every answer waits.
    pub latency: u64,
    /// No users and no keys: the control API brings them.
    pub bare: bool,
    pub(crate) unit: Unit,
    pub(crate) symbol: String,
    pub(crate) rate: f64,
    pub(crate) per_unit: i64,
    pub(crate) limits: Changes,
}

/// Shown by `--help` and after a wrong argument.
pub const USAGE: &str = "relay-sim --site kind=KIND[,port=0][,name=…][,keys=14][,user=alice][,password=…][,token=…][,path=/sub]
          [,seed=1][,latency=0][,unit=usd|cny|tokens|custom][,symbol=¤][,rate=1][,per_unit=500000]
          [,limits=off][,ct=20/1200][,ga=…][,gw=…][,uc=…][,sr=…][,bare=1] [--site …]
          [--many kind=KIND,count=100[,…as above]]
          [--control-port 0] [--die-with-parent] [--for 3600]
KIND: newapi-2025-04 newapi-cookie newapi-jwt oneapi sub2api aihubmix openrouter lookalike plain html-everything catcher";

impl Args {
    /// Reads the words after the program's name.
    pub fn read(words: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut args = Self {
            sites: Vec::new(),
            control_port: 0,
            die_with_parent: false,
            seconds: 3600,
        };
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word.as_str() {
                "--site" => args.sites.push(SiteArgs::read(&value()?)?.0),
                "--many" => {
                    let (site, count) = SiteArgs::read(&value()?)?;
                    args.sites.extend(std::iter::repeat_n(site, count));
                }
                "--control-port" => {
                    args.control_port = value()?.parse().map_err(|_| "--control-port: a number")?;
                }
                "--die-with-parent" => args.die_with_parent = true,
                "--for" => args.seconds = value()?.parse().map_err(|_| "--for: seconds")?,
                _ => return Err(format!("unknown argument {word}")),
            }
        }
        if args.sites.is_empty() {
            return Err("no --site given".to_owned());
        }
        Ok(args)
    }
}

impl SiteArgs {
    /// A site with nothing said about it but its kind.
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            port: 0,
            name: None,
            keys: 14,
            user: "alice".to_owned(),
            password: "alice-pass-123".to_owned(),
            access_token: None,
            path: String::new(),
            seed: 1,
            latency: 0,
            bare: false,
            unit: Unit::Usd,
            symbol: "¤".to_owned(),
            rate: 1.0,
            per_unit: 500_000,
            limits: Changes::default(),
        }
    }

    /// Reads `kind=…,port=…`; the second value is `count`.
    pub fn read(text: &str) -> Result<(Self, usize), String> {
        let pairs: Vec<(&str, &str)> = text
            .split(',')
            .map(|pair| {
                pair.split_once('=')
                    .ok_or_else(|| format!("{pair}: NAME=VALUE"))
            })
            .collect::<Result<_, _>>()?;
        let kind = pairs
            .iter()
            .find(|(name, _)| *name == "kind")
            .ok_or("kind= is missing")?
            .1;
        let mut site =
            Self::new(Kind::read(kind).ok_or_else(|| format!("no kind is called {kind}"))?);
        let mut count = 1;
        for (name, value) in pairs {
            let wrong = || format!("{name}={value} is no number");
            match name {
                "kind" => {}
                "port" => site.port = value.parse().map_err(|_| wrong())?,
                "name" => site.name = Some(value.to_owned()),
                "keys" => site.keys = value.parse().map_err(|_| wrong())?,
                "user" => site.user = value.to_owned(),
                "password" => site.password = value.to_owned(),
                "token" => site.access_token = Some(value.to_owned()),
                "path" => {
                    if !value.starts_with('/') || value.ends_with('/') {
                        return Err(format!("path={value}: such as /sub"));
                    }
                    site.path = value.to_owned();
                }
                "seed" => site.seed = value.parse().map_err(|_| wrong())?,
                "latency" => site.latency = value.parse().map_err(|_| wrong())?,
                "bare" => site.bare = value == "1",
                "unit" => {
                    site.unit =
                        Unit::read(value).ok_or_else(|| format!("no unit is called {value}"))?;
                }
                "symbol" => site.symbol = value.to_owned(),
                "rate" => site.rate = value.parse().map_err(|_| wrong())?,
                "per_unit" => site.per_unit = value.parse().map_err(|_| wrong())?,
                "count" => count = value.parse().map_err(|_| wrong())?,
                other => site.limits.read(other, value)?,
            }
        }
        Ok((site, count))
    }
}
