//! The journals' keys: from a user to the data key that seals what they write.

use std::sync::Arc;

use crate::db::UnitOfWork;
use crate::domain::Error;
use crate::ids::UserId;

use super::cipher::{CipherError, DataKey, KeyEncryptionKey};
use super::keys::{self, StoredKey};

/// Opens and makes data keys. Cheap to clone.
///
/// Opened keys are not cached: opening one takes about a microsecond, and a key that was read in a transaction
/// that is not committed, or that another process has sealed anew, must not outlive it.
#[derive(Clone)]
pub(crate) struct Journal(Arc<KeyEncryptionKey>);

impl Journal {
    /// The journals of a server with this key.
    pub(crate) fn new(key: KeyEncryptionKey) -> Self {
        Self(Arc::new(key))
    }

    /// The user's data key; `None` if nothing was ever sealed for the user.
    ///
    /// # Errors
    /// If it is sealed with another key than this server's, or was changed.
    pub(crate) fn data_key(&self, uow: &mut UnitOfWork<'_>, user: UserId) -> Result<Option<DataKey>, Error> {
        let Some(stored) = keys::find(uow, user)? else { return Ok(None) };
        Ok(Some(open(&self.0, &stored)?))
    }

    /// The user's data key, made and stored in this unit of work if there is none.
    pub(crate) fn data_key_or_new(&self, uow: &mut UnitOfWork<'_>, user: UserId) -> Result<DataKey, Error> {
        if let Some(key) = self.data_key(uow, user)? {
            return Ok(key);
        }
        let sealed_key = self.0.seal(user, &DataKey::generate()?)?;
        keys::insert_if_new(uow, &StoredKey { user_id: user, key_id: self.0.id().to_owned(), sealed_key })?;
        // Read again: of two first writes at the same time, one key is stored and both use it.
        Ok(self.data_key(uow, user)?.ok_or(CipherError::NoDataKey { user })?)
    }
}

/// Ids of keys other than this one that data keys are sealed with, at most three: whoever has only this key
/// cannot read those journals.
pub(crate) fn other_key_ids(uow: &mut UnitOfWork<'_>, key: &KeyEncryptionKey) -> Result<Vec<String>, Error> {
    Ok(keys::other_key_ids(uow, key.id())?)
}

/// What [`reseal_keys`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Resealed {
    /// Data keys that were sealed with the current key and now are with the new one.
    pub(crate) resealed: usize,
    /// Data keys that were sealed with the new key already.
    pub(crate) already: usize,
}

/// How many data keys are read at a time.
const BATCH: i64 = 500;

/// Seals every data key with `new` instead of `current`. The entries stay as they are. Nothing is changed for
/// data keys that `new` has sealed already, so that it can be repeated.
///
/// # Errors
/// If a data key is sealed with a third key, or does not open.
pub(crate) fn reseal_keys(
    uow: &mut UnitOfWork<'_>,
    current: &KeyEncryptionKey,
    new: &KeyEncryptionKey,
) -> Result<Resealed, Error> {
    keys::lock(uow)?;
    let mut done = Resealed::default();
    let mut after = None;
    loop {
        let page = keys::page_after(uow, after, BATCH)?;
        let Some(last) = page.last() else { return Ok(done) };
        after = Some(last.user_id);
        for stored in &page {
            if stored.key_id == new.id() {
                done.already += 1;
                continue;
            }
            let sealed_key = new.seal(stored.user_id, &open(current, stored)?)?;
            let key_id = new.id().to_owned();
            keys::replace(uow, &StoredKey { user_id: stored.user_id, key_id, sealed_key })?;
            done.resealed += 1;
        }
    }
}

pub(super) fn open(key: &KeyEncryptionKey, stored: &StoredKey) -> Result<DataKey, CipherError> {
    let user = stored.user_id;
    if stored.key_id != key.id() {
        let (sealed_with, given) = (stored.key_id.clone(), key.id().to_owned());
        return Err(CipherError::OtherKey { user, sealed_with, given });
    }
    key.open(user, &stored.sealed_key)
}
