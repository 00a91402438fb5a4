//! What went wrong, in a sentence that says what to do.

use crate::key_words;
use crate::words::{clock, t, tn};
use relaykeep_protocol::{
    AddressProblem, ErrorCode, Notice, OwnProblem, RecoveryCause, SignInProblem, SiteTrouble,
    TokenProblem,
};

/// Something at a site.
pub(crate) fn site_trouble(trouble: &SiteTrouble) -> String {
    let plain = |id: &str| t(id, &[]);
    match trouble {
        SiteTrouble::Offline => plain("trouble_offline"),
        SiteTrouble::Unreachable => plain("trouble_unreachable"),
        SiteTrouble::TimedOut => plain("trouble_timed_out"),
        SiteTrouble::PermissionMissing => plain("trouble_permission"),
        SiteTrouble::Redirected => plain("trouble_redirected"),
        SiteTrouble::LoginExpired => plain("trouble_login_expired"),
        SiteTrouble::UserDisabled => plain("trouble_user_disabled"),
        SiteTrouble::UserIdMismatch => plain("trouble_user_id"),
        SiteTrouble::AnsweredAsOther => plain("trouble_other_user"),
        SiteTrouble::SignInAtSite => plain("trouble_sign_in"),
        SiteTrouble::TabNeeded => plain("trouble_tab_needed"),
        SiteTrouble::RateLimited { until } => t("trouble_rate_limited", &[&clock(*until)]),
        SiteTrouble::Challenge => plain("trouble_challenge"),
        SiteTrouble::NotARelay => plain("trouble_not_a_relay"),
        SiteTrouble::BadAnswer => plain("trouble_bad_answer"),
        SiteTrouble::AnswerTooLarge => plain("trouble_too_large"),
        SiteTrouble::Refused => plain("trouble_refused"),
        SiteTrouble::VerificationRequired => plain("trouble_verification"),
        SiteTrouble::Absent => plain("trouble_absent"),
        SiteTrouble::ServerError { status } => t("trouble_server", &[&status.to_string()]),
        SiteTrouble::KindChanged { now: Some(kind) } => t("trouble_kind_changed", &[kind.name()]),
        SiteTrouble::KindChanged { now: None } => plain("trouble_kind_unknown"),
        SiteTrouble::WrongKey => plain("trouble_wrong_key"),
    }
}

/// The same in two or three words, for the head of a group.
pub(crate) fn short_trouble(trouble: &SiteTrouble) -> String {
    let plain = |id: &str| t(id, &[]);
    match trouble {
        SiteTrouble::Offline => plain("short_offline"),
        SiteTrouble::Unreachable => plain("short_unreachable"),
        SiteTrouble::TimedOut => plain("short_timed_out"),
        SiteTrouble::PermissionMissing => plain("short_permission"),
        SiteTrouble::Redirected => plain("short_redirected"),
        SiteTrouble::LoginExpired | SiteTrouble::AnsweredAsOther => plain("short_login_expired"),
        SiteTrouble::UserDisabled => plain("short_user_disabled"),
        SiteTrouble::UserIdMismatch => plain("short_user_id"),
        SiteTrouble::SignInAtSite => plain("short_sign_in"),
        SiteTrouble::TabNeeded => plain("short_tab_needed"),
        SiteTrouble::RateLimited { until } => t("short_rate_limited", &[&clock(*until)]),
        SiteTrouble::Challenge => plain("short_challenge"),
        SiteTrouble::NotARelay => plain("short_not_a_relay"),
        SiteTrouble::KindChanged { .. } => plain("short_kind_changed"),
        SiteTrouble::BadAnswer
        | SiteTrouble::AnswerTooLarge
        | SiteTrouble::Absent
        | SiteTrouble::WrongKey => plain("short_bad_answer"),
        SiteTrouble::Refused => plain("short_refused"),
        SiteTrouble::VerificationRequired => plain("short_verification"),
        SiteTrouble::ServerError { .. } => plain("short_server"),
    }
}

/// It goes on by itself or was nobody's fault: not worth alarm.
pub(crate) const fn is_passing(trouble: &SiteTrouble) -> bool {
    match trouble {
        SiteTrouble::Offline
        | SiteTrouble::RateLimited { .. }
        | SiteTrouble::TimedOut
        | SiteTrouble::ServerError { .. }
        | SiteTrouble::PermissionMissing
        | SiteTrouble::VerificationRequired
        | SiteTrouble::TabNeeded
        | SiteTrouble::Challenge => true,
        SiteTrouble::Unreachable
        | SiteTrouble::Redirected
        | SiteTrouble::LoginExpired
        | SiteTrouble::UserDisabled
        | SiteTrouble::UserIdMismatch
        | SiteTrouble::AnsweredAsOther
        | SiteTrouble::SignInAtSite
        | SiteTrouble::NotARelay
        | SiteTrouble::BadAnswer
        | SiteTrouble::AnswerTooLarge
        | SiteTrouble::Refused
        | SiteTrouble::Absent
        | SiteTrouble::KindChanged { .. }
        | SiteTrouble::WrongKey => false,
    }
}

/// Why a call was not answered.
pub(crate) fn error(code: &ErrorCode) -> String {
    let plain = |id: &str| t(id, &[]);
    match code {
        ErrorCode::Locked => plain("error_locked"),
        ErrorCode::NoVault => plain("error_no_vault"),
        ErrorCode::VaultExists => plain("error_vault_exists"),
        ErrorCode::WrongPassphrase => plain("error_wrong_passphrase"),
        ErrorCode::SlotDamaged => plain("error_slot_damaged"),
        ErrorCode::NotEnoughMemory => plain("error_memory"),
        ErrorCode::NewerVersion => plain("error_newer"),
        ErrorCode::UnsupportedParameters => plain("error_parameters"),
        ErrorCode::PassphraseTooShort { least } => tn("error_passphrase_short", *least, &[]),
        ErrorCode::PassphraseUnreadable => plain("error_passphrase_unreadable"),
        ErrorCode::RecordDamaged => plain("error_record_damaged"),
        ErrorCode::NeedsRecovery => plain("error_needs_recovery"),
        ErrorCode::StorageFailed => plain("error_storage"),
        ErrorCode::Conflict => plain("error_conflict"),
        ErrorCode::Randomness => plain("error_randomness"),
        ErrorCode::Address(problem) => plain(match problem {
            AddressProblem::Empty => "error_address_empty",
            AddressProblem::Unreadable => "error_address_unreadable",
            AddressProblem::Scheme => "error_address_scheme",
            AddressProblem::UserInfo => "error_address_user_info",
        }),
        ErrorCode::InClear => plain("error_in_clear"),
        ErrorCode::Token(problem) => plain(match problem {
            TokenProblem::Empty => "error_token_empty",
            TokenProblem::Unreadable => "error_token_unreadable",
            TokenProblem::LooksLikeKey => "error_token_is_key",
        }),
        ErrorCode::SignIn(problem) => plain(match problem {
            SignInProblem::Missing => "error_sign_in_missing",
            SignInProblem::NotAccepted => "error_sign_in_refused",
            SignInProblem::SecondFactor => "error_sign_in_second",
            SignInProblem::Puzzle => "error_sign_in_puzzle",
            SignInProblem::TooOld => "error_sign_in_old",
        }),
        ErrorCode::UserIdNeeded => plain("error_user_id_needed"),
        ErrorCode::KindNeeded => plain("error_kind_needed"),
        ErrorCode::Site(trouble) => site_trouble(trouble),
        ErrorCode::LooksLike(known) => {
            let name = crate::app::with_stock(|stock| {
                let known = stock.account(known)?;
                Some(format!("{} ({})", known.view.name, known.host))
            });
            t("error_looks_like", &[&name.unwrap_or_default()])
        }
        ErrorCode::AccountDisabled => plain("error_account_disabled"),
        ErrorCode::Own(problem) => match problem {
            OwnProblem::TooManyTags(most) => tn("error_tags", *most, &[]),
            OwnProblem::TagTooLong(most) => tn("error_tag_long", *most, &[]),
            OwnProblem::NotesTooLong(most) => tn("error_notes_long", *most, &[]),
            OwnProblem::CheckIn => plain("error_check_in"),
        },
        ErrorCode::NoSuchAccount => plain("error_no_account"),
        ErrorCode::NoSuchKey => plain("error_no_key"),
        ErrorCode::NoSuchJob => plain("error_no_job"),
        ErrorCode::NotRevealed => plain("error_not_revealed"),
        ErrorCode::Field(field, problem) => format!(
            "{}: {}",
            key_words::field_name(*field),
            key_words::problem(*field, *problem)
        ),
        ErrorCode::TooMany { most } => tn("error_too_many", *most, &[]),
        ErrorCode::NothingToDo => plain("error_nothing_to_do"),
        ErrorCode::WrongKey => plain("error_wrong_key"),
        ErrorCode::BackupUnreadable => plain("error_backup"),
        ErrorCode::TabClosed => plain("error_tab"),
        ErrorCode::Reload => plain("error_reload"),
        ErrorCode::NoAnswer => plain("error_no_answer"),
        ErrorCode::NotAllowed | ErrorCode::Internal => plain("error_internal"),
    }
}

/// Something to know once.
pub(crate) fn notice(notice: Notice) -> String {
    match notice {
        Notice::RecordsSetAside(count) => tn("notice_set_aside", count, &[]),
        Notice::OlderStateOpened => t("notice_older_state", &[]),
        Notice::RolledBack => t("notice_rolled_back", &[]),
        Notice::ChangeFinished => t("notice_change_finished", &[]),
        Notice::WeakerWorkFactors => t("notice_weaker", &[]),
    }
}

/// Why the vault does not open.
pub(crate) fn recovery(cause: RecoveryCause) -> String {
    t(
        match cause {
            RecoveryCause::RecordsGone => "recovery_records_gone",
            RecoveryCause::RootsDamaged => "recovery_roots",
            RecoveryCause::SlotsDamaged => "recovery_slots",
            RecoveryCause::DeviceKeyGone => "recovery_device_key",
            RecoveryCause::StorageFails => "recovery_storage",
        },
        &[],
    )
}
