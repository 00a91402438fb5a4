//! What the servers say, in the language they say it in.

use crate::ask::Ask;
use crate::kind::Generation;

/// A language the servers translate to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lang {
    En,
    Zh,
}

impl Lang {
    /// `Accept-Language` decides on builds that translate, English when it is absent
    /// (QuantumNous/new-api middleware/i18n.go; seen live).
    pub(crate) fn of(generation: Generation, ask: &Ask) -> Self {
        let wanted = ask.header("accept-language").unwrap_or("");
        if !generation.translates() || wanted.trim_start().starts_with("zh") {
            Self::Zh
        } else {
            Self::En
        }
    }
}

/// A message of the servers' catalogues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Say {
    NotLoggedIn,
    AccessTokenInvalid,
    UserIdMissing,
    UserIdFormat,
    UserIdMismatch,
    UserBanned,
    LowRole,
    WrongPassword,
    PasswordLoginOff,
    InvalidParams,
    NameTooLong,
    QuotaNegative,
    ExpiredCannotEnable,
    ExhaustedCannotEnable,
    KeyInvalid,
    KeyNotGiven,
    KeyStatusUnavailable,
    InvalidBearer,
    TwoFactorNeeded,
    ComplianceGate,
    RedeemFailed,
    OldPasswordWrong,
}

impl Say {
    /// Texts from QuantumNous/new-api i18n/locales/{en,zh-CN}.yaml; April 2025 and One API have
    /// the Chinese ones as literals.
    pub(crate) fn text(self, lang: Lang) -> &'static str {
        let (en, zh) = match self {
            Self::NotLoggedIn => (
                "Unauthorized, not logged in and no access token provided",
                "无权进行此操作，未登录且未提供 access token",
            ),
            Self::AccessTokenInvalid => (
                "Unauthorized, invalid access token",
                "无权进行此操作，access token 无效",
            ),
            Self::UserIdMissing => (
                "Unauthorized, New-Api-User header not provided",
                "无权进行此操作，未提供 New-Api-User",
            ),
            Self::UserIdFormat => (
                "Unauthorized, New-Api-User header format error",
                "无权进行此操作，New-Api-User 格式错误",
            ),
            Self::UserIdMismatch => (
                "Unauthorized, New-Api-User does not match logged in user",
                "无权进行此操作，New-Api-User 与登录用户不匹配",
            ),
            Self::UserBanned => ("User has been banned", "用户已被封禁"),
            Self::LowRole => (
                "Unauthorized, insufficient privileges",
                "无权进行此操作，权限不足",
            ),
            Self::WrongPassword => (
                "Username or password is incorrect, or user has been banned",
                "用户名或密码错误，或用户已被封禁",
            ),
            Self::PasswordLoginOff => (
                "Password login has been disabled by administrator",
                "管理员关闭了密码登录",
            ),
            Self::InvalidParams => ("Invalid parameters", "无效的参数"),
            Self::NameTooLong => ("Token name is too long", "令牌名称过长"),
            Self::QuotaNegative => ("Quota value cannot be negative", "额度值不能为负数"),
            Self::ExpiredCannotEnable => (
                "Token has expired and cannot be enabled. Please modify the expiration time or set it to never expire",
                "令牌已过期，无法启用，请先修改令牌过期时间，或者设置为永不过期",
            ),
            Self::ExhaustedCannotEnable => (
                "Token quota is exhausted and cannot be enabled. Please modify the remaining quota or set it to unlimited",
                "令牌可用额度已用尽，无法启用，请先修改令牌剩余额度，或者设置为无限额度",
            ),
            Self::KeyInvalid => ("Invalid token", "无效的令牌"),
            Self::KeyNotGiven => ("Token not provided", "未提供令牌"),
            Self::KeyStatusUnavailable => ("This token status is unavailable", "该令牌状态不可用"),
            Self::InvalidBearer => ("Invalid Bearer token", "无效的 Bearer 令牌"),
            Self::TwoFactorNeeded => (
                "Please enter two-factor authentication code",
                "请输入两步验证码",
            ),
            Self::ComplianceGate => (
                "Payment, redemption, subscription, and invitation reward features are disabled. The administrator must confirm compliance terms before enabling them.",
                "支付、兑换、订阅和邀请奖励功能已停用，管理员需先确认合规条款",
            ),
            Self::RedeemFailed => (
                "Redemption failed, please try again later",
                "兑换失败，请稍后重试",
            ),
            Self::OldPasswordWrong => ("Original password is incorrect", "原密码错误"),
        };
        match lang {
            Lang::En => en,
            Lang::Zh => zh,
        }
    }
}
