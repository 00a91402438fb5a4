//! A deterministic source of "random" text, so that a seed names a whole site.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// SplitMix64: tiny, well mixed, and the same on every machine.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed ^ 0x5851_f42d_4c95_7f2d)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }

    pub(crate) fn alphanumeric(&mut self, count: usize) -> String {
        self.pick(ALPHANUMERIC, count)
    }

    pub(crate) fn base64url(&mut self, count: usize) -> String {
        let letters = [ALPHANUMERIC, b"-_"].concat();
        self.pick(&letters, count)
    }

    pub(crate) fn hex(&mut self, count: usize) -> String {
        self.pick(b"0123456789abcdef", count)
    }

    pub(crate) fn digits(&mut self, count: usize) -> String {
        self.pick(b"0123456789", count)
    }

    fn pick(&mut self, letters: &[u8], count: usize) -> String {
        (0..count)
            .map(|_| char::from(letters[self.below(letters.len() as u64) as usize]))
            .collect()
    }

    pub(crate) fn uuid(&mut self) -> String {
        let h = self.hex(32);
        format!(
            "{}-{}-4{}-8{}-{}",
            &h[..8],
            &h[8..12],
            &h[13..16],
            &h[17..20],
            &h[20..]
        )
    }

    /// Standard base64 of 21 to 24 bytes: 28 or 32 characters, often with `+`, `/` or `=`
    /// (QuantumNous/new-api controller/user.go GenerateAccessToken).
    pub(crate) fn new_api_pat(&mut self) -> String {
        let count = 21 + self.below(4) as usize;
        STANDARD.encode(self.bytes(count))
    }
}
