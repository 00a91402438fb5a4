//! The dashboard's access tokens of the JWT era.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

/// What matters of a token that carries our signature.
#[derive(Clone, Debug)]
pub(crate) struct Claims {
    pub(crate) sid: String,
    pub(crate) user_id: i64,
    pub(crate) user_version: i64,
    pub(crate) session_version: i64,
    pub(crate) expires_at: i64,
}

/// Fifteen minutes (QuantumNous/new-api service/auth_token.go).
pub(crate) const LIFE: i64 = 900;

/// HMAC-SHA-256 as bytes.
pub(crate) fn mac(secret: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// Signs HS256 with the claims of service/auth_token.go.
pub(crate) fn sign(secret: &[u8], claims: &Claims, now: i64, jti: &str) -> String {
    let head = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let body = json!({
        "token_use": "access", "sid": claims.sid, "uv": claims.user_version,
        "sv": claims.session_version, "iss": "new-api", "sub": claims.user_id.to_string(),
        "aud": ["new-api-dashboard"], "exp": claims.expires_at, "nbf": now - 5, "iat": now,
        "jti": jti,
    });
    let text = format!("{head}.{}", URL_SAFE_NO_PAD.encode(body.to_string()));
    let signature = URL_SAFE_NO_PAD.encode(mac(secret, &text));
    format!("{text}.{signature}")
}

/// The claims of a token we signed; `None` for anything else, which may then be an access token.
pub(crate) fn read(secret: &[u8], token: &str) -> Option<Claims> {
    let (text, signature) = token.rsplit_once('.')?;
    if URL_SAFE_NO_PAD.decode(signature).ok()? != mac(secret, text) {
        return None;
    }
    let (_, body) = text.split_once('.')?;
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).ok()?).ok()?;
    Some(Claims {
        sid: claims["sid"].as_str()?.to_owned(),
        user_id: claims["sub"].as_str()?.parse().ok()?,
        user_version: claims["uv"].as_i64()?,
        session_version: claims["sv"].as_i64()?,
        expires_at: claims["exp"].as_i64()?,
    })
}
