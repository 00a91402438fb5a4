use crate::{AccountId, KeyField, Millis, OwnProblem, SiteKind};
use serde::{Deserialize, Serialize};

/// Why a site could not be worked with. Carries numbers and times only: it is translated for
/// show, and it can never hold a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SiteTrouble {
    /// The browser says it is offline.
    Offline,
    /// No connection: no such host, dead port, broken TLS.
    Unreachable,
    /// Nothing, or too little, within the time allowed.
    TimedOut,
    /// The browser's permission for this site is missing.
    PermissionMissing,
    /// The site answered with a redirect, which is never followed with a credential.
    Redirected,
    /// The token is not (or no longer) accepted: made anew elsewhere, or wrong.
    LoginExpired,
    /// The login is disabled at the site.
    UserDisabled,
    /// The site wants the user id, or says that it does not belong to the token.
    UserIdMismatch,
    /// The site answered as somebody else than this account's login.
    AnsweredAsOther,
    /// The account uses the browser's login of this site, and nobody is signed in there.
    SignInAtSite,
    /// The account's login lives in the site's page, and no tab of the site is open.
    TabNeeded,
    /// Too many requests; goes on by itself.
    RateLimited {
        /// When it may be asked again.
        until: Millis,
    },
    /// A challenge page (Cloudflare, `acw_sc__v2`) stands before the site.
    Challenge,
    /// A page instead of data: wrong address, or another product.
    NotARelay,
    /// Data that does not read: cut, empty, or not what this kind sends.
    BadAnswer,
    /// More than 8 MiB.
    AnswerTooLarge,
    /// The site said no, in its own words (kept beside, never in here).
    Refused,
    /// The site wants an identity check before it does this.
    VerificationRequired,
    /// The site has no such endpoint.
    Absent,
    /// The site failed.
    ServerError {
        /// HTTP status.
        status: u16,
    },
    /// What answers is another kind of site than before.
    KindChanged {
        /// What answers now.
        now: Option<SiteKind>,
    },
    /// The key that came back does not fit its mask.
    WrongKey,
}

/// What is wrong with an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AddressProblem {
    /// Nothing typed.
    Empty,
    /// Not an address.
    Unreadable,
    /// Neither `https` nor `http`.
    Scheme,
    /// Holds a user name or password.
    UserInfo,
}

/// What is wrong with a field of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FieldProblem {
    /// Longer than the site takes, in bytes.
    TooLong {
        /// The most.
        most: u32,
        /// What it has.
        has: u32,
    },
    /// Not a number, an address, a time.
    Unreadable,
    /// Below zero.
    Negative,
    /// More than the site takes.
    TooMuch {
        /// The most.
        most: i64,
    },
    /// A network, and this site's keys take plain addresses only.
    NoNetworks,
    /// A list that is on and empty allows nothing.
    Empty,
    /// A comma in a name that the site keeps in a list with commas.
    Comma,
    /// This site kind has no such thing.
    NotOffered,
}

/// Why a sign-in with e-mail and password did not bring a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SignInProblem {
    /// One of both is missing.
    Missing,
    /// The site does not accept them.
    NotAccepted,
    /// The site asks for a second factor, which only its page can.
    SecondFactor,
    /// The site asks for a puzzle that only its page can show; the password was not sent.
    Puzzle,
    /// This build gives no session that lasts.
    TooOld,
}

/// What is wrong with an access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenProblem {
    /// Nothing typed.
    Empty,
    /// Characters no token has, or far too long.
    Unreadable,
    /// An `sk-…` key: that calls models, it does not sign in.
    LooksLikeKey,
}

/// Why a call could not be answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ErrorCode {
    /// Unlock first.
    Locked,
    /// There is no vault yet.
    NoVault,
    /// There is one already.
    VaultExists,
    /// Every intact slot says so.
    WrongPassphrase,
    /// The record that holds the wrapped key is damaged, in every copy.
    SlotDamaged,
    /// Unlocking needs 64 MiB that could not be had.
    NotEnoughMemory,
    /// Made by a newer version: shown, never written.
    NewerVersion,
    /// The stored work factors are outside what is sane.
    UnsupportedParameters,
    /// Fewer characters than this asks for.
    PassphraseTooShort {
        /// The least.
        least: u32,
    },
    /// Text no keyboard can repeat (a lone surrogate).
    PassphraseUnreadable,
    /// A record did not open; it was set aside, the rest works.
    RecordDamaged,
    /// The vault does not open; see Recovery.
    NeedsRecovery,
    /// The browser's storage failed.
    StorageFailed,
    /// Somebody else wrote in between; try again.
    Conflict,
    /// Randomness failed; nothing was written.
    Randomness,
    /// Not an address we can use.
    Address(AddressProblem),
    /// The token travels in clear over http: ask the user first.
    InClear,
    /// Not a token.
    Token(TokenProblem),
    /// The sign-in of our own did not work.
    SignIn(SignInProblem),
    /// This kind needs the user id (a number).
    UserIdNeeded,
    /// The site could not be recognised; the user chooses the kind.
    KindNeeded,
    /// Something at the site.
    Site(SiteTrouble),
    /// The address can be taken for this account's, and is another: ask the user first.
    LooksLike(AccountId),
    /// The account is disabled here.
    AccountDisabled,
    /// What was said of an account does not fit.
    Own(OwnProblem),
    /// No such account.
    NoSuchAccount,
    /// No such key.
    NoSuchKey,
    /// No such job.
    NoSuchJob,
    /// The site hides this key and it is not held; a reveal is needed first.
    NotRevealed,
    /// What was typed does not fit: this field, for this reason.
    Field(KeyField, FieldProblem),
    /// More keys than one piece of work takes; this many at most.
    TooMany {
        /// The most.
        most: u32,
    },
    /// Nothing to do.
    NothingToDo,
    /// The pasted key is another one: it does not fit the mask.
    WrongKey,
    /// Not a backup file, or a damaged one.
    BackupUnreadable,
    /// The tab is one nobody may look into.
    TabClosed,
    /// This page is of another version than the worker: reload it.
    Reload,
    /// Not a call of this sender, or not a call at all.
    NotAllowed,
    /// The worker ended before it answered: what it was asked may have been done.
    NoAnswer,
    /// A fault of ours.
    Internal,
}
