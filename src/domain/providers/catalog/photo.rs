//! Portfolio photos: metadata only. Uploading the images themselves comes later.

use std::fmt;
use std::str::FromStr;

use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::db::schema::{portfolio_photos as photos, providers};
use crate::db::{DbError, UnitOfWork};
use crate::domain::policy::{Authorized, Need, Right};
use crate::domain::providers::{Part, Provider, READ};
use crate::domain::text::MultiLine;
use crate::domain::{Kind, Page};
use crate::ids::{PhotoId, ProviderId};

use super::storage::{Row, stored_in};
use super::{CatalogItem, ItemKind};

/// Caption of a photo; may be empty.
pub(crate) type Caption = MultiLine<300>;

/// Metadata of a photo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Photo {
    /// Describes the image; may be empty.
    pub(crate) caption: Caption,
    /// Order within the portfolio.
    pub(crate) position: Position,
}

/// A position in the portfolio, from 0. Photos at the same position are ordered by age, oldest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position(i32);

/// The number is not a valid position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 0 to {}", Position::MAX)]
pub(crate) struct InvalidPosition;

impl Position {
    /// More than any portfolio has photos.
    pub(crate) const MAX: i32 = 9999;

    /// From 0 to [`Position::MAX`].
    pub(crate) fn new(position: i32) -> Result<Self, InvalidPosition> {
        (0..=Self::MAX).contains(&position).then_some(Self(position)).ok_or(InvalidPosition)
    }

    /// The number, from 0.
    pub(crate) fn as_i32(self) -> i32 {
        self.0
    }
}

/// A partial update of a photo; `None` leaves a field unchanged.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "as in Photo")]
pub(crate) struct PhotoChanges {
    pub(crate) caption: Option<Caption>,
    pub(crate) position: Option<Position>,
}

/// Cursor of a portfolio page: position, then id (age).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PhotoPlace {
    position: i32,
    id: PhotoId,
}

impl fmt::Display for PhotoPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.position, self.id)
    }
}

/// The text is not a valid cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a position and the id of a photo")]
pub(crate) struct InvalidPhotoPlace;

impl FromStr for PhotoPlace {
    type Err = InvalidPhotoPlace;
    fn from_str(text: &str) -> Result<Self, InvalidPhotoPlace> {
        let (position, id) = text.split_once(':').ok_or(InvalidPhotoPlace)?;
        let position = position.parse().map_err(|_| InvalidPhotoPlace)?;
        Ok(Self { position, id: id.parse().map_err(|_| InvalidPhotoPlace)? })
    }
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = photos)]
struct Columns {
    caption: Caption,
    position: i32,
}

impl Columns {
    fn of(photo: &Photo) -> Self {
        Self { caption: photo.caption.clone(), position: photo.position.0 }
    }

    fn read(self) -> Result<Photo, DbError> {
        Ok(Photo { caption: self.caption, position: Position(self.position) })
    }
}

impl ItemKind for Photo {
    const KIND: Kind = Kind::Photo;
    const PART: Part = Part::Portfolio;
    const READ: Right = Right::look(Kind::Photo, "read", Need::Public);
    const BROWSE: Right = READ;

    type Id = PhotoId;
    type Cursor = PhotoPlace;
    type Changes = PhotoChanges;

    fn new_id(at: Timestamp) -> PhotoId {
        PhotoId::new(at)
    }

    fn cursor(item: &CatalogItem<Self>) -> PhotoPlace {
        PhotoPlace { position: item.kind.position.0, id: item.id }
    }

    fn with(&self, changes: &PhotoChanges) -> Self {
        Self {
            caption: changes.caption.clone().unwrap_or_else(|| self.caption.clone()),
            position: changes.position.unwrap_or(self.position),
        }
    }

    // In portfolio order, unlike other lists.
    stored_in!(
        photos,
        order: (photos::position.asc(), photos::id.asc()),
        after: |PhotoPlace { position, id }| {
            photos::position.gt(position).or(photos::position.eq(position).and(photos::id.gt(id)))
        }
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_back_from_its_text() {
        let place = PhotoPlace { position: 3, id: "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap() };
        assert_eq!(place.to_string().parse(), Ok(place));
        for other in ["", "3", "3:x", "x:01890a5d-ac96-774b-bcce-b302099a8057"] {
            assert_eq!(other.parse::<PhotoPlace>(), Err(InvalidPhotoPlace));
        }
    }
}
