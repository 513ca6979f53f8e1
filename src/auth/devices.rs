//! Device tokens: issued to a device at sign-in and presented at the next login, so that strangers who guess
//! at the account do not delay it (see `throttle.rs`).
//!
//! They are signed with the key of our own tokens and not stored: they are valid on every node, for as long
//! as that key is. A device token only proves that the device was once signed in to the account, and
//! authenticates nobody: its `typ` is refused by every verifier of access tokens, and an access token's `typ`
//! is refused here.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::ids::{LoginId, UserId};

use super::token::{MAX_TOKEN_BYTES, SigningKey, verified_claims};

const TYPE: &str = "device+jwt";

/// Issues and verifies device tokens.
#[derive(Debug)]
pub(super) struct DeviceTokens {
    key: SigningKey,
    ttl: Duration,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: UserId,
    sid: LoginId,
    exp: i64,
}

impl DeviceTokens {
    /// `ttl` is the lifetime of each token.
    pub(super) fn new(key: SigningKey, ttl: Duration) -> Self {
        Self { key, ttl }
    }

    /// Issues a token for the device on which `login` was opened.
    pub(super) fn mint(
        &self,
        user: UserId,
        login: LoginId,
        now: Timestamp,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        let mut header = jsonwebtoken::Header::new(self.key.verifying().algorithm().into());
        header.typ = Some(TYPE.to_owned());
        let claims = Claims { sub: user, sid: login, exp: now.plus(self.ttl).as_seconds() };
        jsonwebtoken::encode(&header, &claims, self.key.encoding())
    }

    /// The login with which this device was signed in to `user`'s account, if the token is valid for that
    /// account.
    pub(super) fn known(&self, token: &str, user: UserId, now: Timestamp) -> Option<LoginId> {
        if token.len() > MAX_TOKEN_BYTES
            || jsonwebtoken::decode_header(token).ok()?.typ.as_deref() != Some(TYPE)
        {
            return None;
        }
        let claims: Claims = verified_claims(token, self.key.verifying()).ok()?;
        (claims.sub == user && claims.exp > now.as_seconds()).then_some(claims.sid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::testing::TestKey;
    use crate::auth::token::Algorithm;

    const SECRET: &[u8] = b"a secret of at least thirty-two bytes";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_700_000_000 + seconds).unwrap()
    }

    #[test]
    fn a_device_is_known_to_its_own_account_and_for_a_time() {
        let (ana, ben, login) = (UserId::new(at(0)), UserId::new(at(0)), LoginId::new(at(0)));
        let pem = TestKey::new(Algorithm::EdDSA.into()).private_pem;
        for key in [SigningKey::from_secret(SECRET).unwrap(), SigningKey::from_pem(&pem).unwrap()] {
            let token =
                DeviceTokens::new(key.clone(), Duration::from_secs(60)).mint(ana, login, at(0)).unwrap();
            // Another process with the same key.
            let devices = DeviceTokens::new(key, Duration::from_secs(60));
            assert_eq!(devices.known(&token, ana, at(59)), Some(login));
            assert_eq!(devices.known(&token, ana, at(60)), None);
            assert_eq!(devices.known(&token, ben, at(0)), None);
            let (signed, _) = token.rsplit_once('.').unwrap();
            for forged in [format!("{signed}."), format!("{signed}.AAAA"), "x".into(), String::new()] {
                assert_eq!(devices.known(&forged, ana, at(0)), None, "{forged}");
            }
        }
        let key = SigningKey::from_secret(SECRET).unwrap();
        let other = SigningKey::from_secret(b"another secret of thirty-two bytes").unwrap();
        let token = DeviceTokens::new(other, Duration::from_secs(60)).mint(ana, login, at(0)).unwrap();
        assert_eq!(DeviceTokens::new(key.clone(), Duration::from_secs(60)).known(&token, ana, at(0)), None);
        // The same claims as an access token.
        let claims = Claims { sub: ana, sid: login, exp: at(60).as_seconds() };
        let access = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, key.encoding()).unwrap();
        assert_eq!(DeviceTokens::new(key, Duration::from_secs(60)).known(&access, ana, at(0)), None);
    }
}
