//! A fork's second proof before a key is made or revealed. Upstream asks for none; this is
//! MAX-API-Next/MAX-API abdfbfb1 router/api-router.go (the limiter counts first, also a request
//! that is then refused) and 2a0ba177 middleware/secure_verification.go (codes, 300 seconds).

use crate::answer::Answer;
use crate::kind::Generation;
use crate::site::Call;
use crate::state::{State, StepUp};

/// A proof holds for so many seconds (SecureVerificationTimeout).
const HOLDS: i64 = 300;

impl Call<'_> {
    /// Lets a request through that needs the proof, or says what is missing.
    pub(crate) fn stepped_up(&mut self, user_id: i64) -> Result<(), Answer> {
        let step_up = self.state.options.step_up;
        if step_up == StepUp::Off {
            return Ok(());
        }
        let refuse = |code: &str, text: &str| Answer::code(403, code, text).no_cache();
        let required = || refuse("VERIFICATION_REQUIRED", "需要安全验证");
        if step_up == StepUp::Session && !self.by_session() {
            return Err(required());
        }
        let passed = self
            .state
            .proofs
            .get(&user_id)
            .copied()
            .ok_or_else(required)?;
        let elapsed = self.state.now() - passed;
        if !(0..HOLDS).contains(&elapsed) {
            self.state.proofs.remove(&user_id);
            return Err(refuse("VERIFICATION_EXPIRED", "验证已过期，请重新验证"));
        }
        Ok(())
    }

    /// Whether the request came with a login and not with an access token.
    fn by_session(&self) -> bool {
        match self.state.generation {
            Generation::April2025 | Generation::Cookie | Generation::OneApi => {
                self.ask.cookie("session").is_some()
            }
            Generation::Jwt => self
                .ask
                .header("authorization")
                .is_some_and(|given| given.contains("eyJ")),
        }
    }
}

/// The demo user opened the site's own page, where the site asks for the proof and gets it.
pub(crate) fn visited(state: &mut State) {
    if state.options.step_up != StepUp::Off {
        let now = state.now();
        state.proofs.insert(2, now);
    }
}
