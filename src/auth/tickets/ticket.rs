//! A ticket as text: 256 random bits and their keyed hash, by which a node recognizes what no node has issued
//! without looking anything up. The random bits give the row's id and the key that seals the row's token.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::{hmac, rand};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::auth::keyed_hash::KeyedHash;

/// Lets people, secret scanners and our own log scrubber recognize a ticket.
const PREFIX: &str = "souk_tk_";
const RANDOM_BYTES: usize = 32;

/// A ticket that one of our nodes has issued; its `Debug` does not show it.
pub(super) struct Ticket {
    secret: [u8; RANDOM_BYTES],
}

/// The system gave no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoRandomness;

impl Ticket {
    pub(super) fn generate() -> Result<Self, NoRandomness> {
        let mut secret = [0; RANDOM_BYTES];
        rand::fill(&mut secret).map_err(|_| NoRandomness)?;
        Ok(Self { secret })
    }

    /// Parses what a client showed, if it is a ticket that a node with this key has issued, ever.
    pub(super) fn parse(text: &str, keyed: &KeyedHash) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
        let (secret, tag) = bytes.split_first_chunk()?;
        keyed.is_of(secret, tag).then_some(Self { secret: *secret })
    }

    /// The text that the client shows.
    pub(super) fn text(&self, keyed: &KeyedHash) -> String {
        let bytes = [&self.secret[..], keyed.of(&self.secret).as_ref()].concat();
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// What it is kept by. The time of a look-up tells nothing about how much of a guess was right.
    pub(super) fn id(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.derived(b"souk ticket id v1"))
    }

    /// Encrypts the token that the ticket stands for, so that only who has the ticket can read it: AES-256-GCM,
    /// as base64 of nonce, ciphertext and tag.
    pub(super) fn seal(&self, token: &str) -> Result<String, NoRandomness> {
        let mut buffer = token.as_bytes().to_vec();
        let nonce = self
            .key()
            .and_then(|key| key.seal_in_place_append_tag(Aad::empty(), &mut buffer).ok())
            .ok_or(NoRandomness)?;
        Ok(URL_SAFE_NO_PAD.encode([nonce.as_ref().as_slice(), &buffer].concat()))
    }

    /// Opens what [`Ticket::seal`] made; `None` if it was changed.
    pub(super) fn open(&self, sealed: &str) -> Option<String> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, ciphertext) = bytes.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut buffer = ciphertext.to_vec();
        let token = self.key()?.open_in_place(nonce, Aad::empty(), &mut buffer).ok()?;
        String::from_utf8(token.to_vec()).ok()
    }

    fn key(&self) -> Option<RandomizedNonceKey> {
        RandomizedNonceKey::new(&AES_256_GCM, &self.derived(b"souk ticket key v1")).ok()
    }

    /// HKDF (RFC 5869) of one block; the secret is uniform already, and is not extracted from.
    fn derived(&self, purpose: &[u8]) -> [u8; 32] {
        let block = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.secret), purpose);
        let mut derived = [0; 32];
        derived.copy_from_slice(block.as_ref());
        derived
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::token::SigningKey;

    fn keyed(secret: &[u8]) -> KeyedHash {
        KeyedHash::new(&SigningKey::from_secret(secret).unwrap(), "tickets")
    }

    #[test]
    fn what_nobody_issued_is_no_ticket() {
        let keyed_here = keyed(b"a secret of at least thirty-two bytes");
        let (ticket, other) = (Ticket::generate().unwrap(), Ticket::generate().unwrap());
        let text = ticket.text(&keyed_here);
        assert_eq!(Ticket::parse(&text, &keyed_here).unwrap().id(), ticket.id());
        assert_ne!(ticket.id(), other.id());
        assert!(!text.contains(&ticket.id()));
        assert!(Ticket::parse(&text, &keyed(b"b secret of at least thirty-two bytes")).is_none());
        let made_up = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode([7; 64]));
        for text in ["", "guess", PREFIX, &made_up, &text[..text.len() - 2], &format!("{text}AA")] {
            assert!(Ticket::parse(text, &keyed_here).is_none(), "{text}");
        }
        assert_eq!(format!("{ticket:?}"), "Ticket(***)");
    }

    #[test]
    fn the_token_opens_with_its_ticket_alone() {
        let (ticket, other) = (Ticket::generate().unwrap(), Ticket::generate().unwrap());
        let sealed = ticket.seal("token").unwrap();
        assert_eq!(ticket.open(&sealed).as_deref(), Some("token"));
        assert_eq!(other.open(&sealed), None);
        let mut bytes = URL_SAFE_NO_PAD.decode(&sealed).unwrap();
        for at in 0..bytes.len() {
            bytes[at] ^= 1;
            assert_eq!(ticket.open(&URL_SAFE_NO_PAD.encode(&bytes)), None, "byte {at}");
            bytes[at] ^= 1;
        }
        for malformed in ["", "AAAA", "?"] {
            assert_eq!(ticket.open(malformed), None);
        }
    }
}
