//! Places: a point in WGS 84 and a free-text address. No geocoding.

use super::text::SingleLine;

/// A point in degrees (WGS 84).
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Point {
    /// Degrees north, -90 to 90.
    #[schema(minimum = -90, maximum = 90)]
    latitude: f64,
    /// Degrees east, -180 to 180.
    #[schema(minimum = -180, maximum = 180)]
    longitude: f64,
}

/// A coordinate is out of range or NaN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("latitude must be -90 to 90 and longitude -180 to 180, both given or neither")]
pub(crate) struct InvalidPoint;

impl Point {
    /// A point in degrees.
    pub(crate) fn new(latitude: f64, longitude: f64) -> Result<Self, InvalidPoint> {
        // `contains` is false for NaN.
        let on_earth = (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude);
        on_earth.then_some(Self { latitude, longitude }).ok_or(InvalidPoint)
    }

    /// A point if both coordinates are given, `None` if neither is, an error if only one is.
    pub(crate) fn from_parts(
        latitude: Option<f64>,
        longitude: Option<f64>,
    ) -> Result<Option<Self>, InvalidPoint> {
        match (latitude, longitude) {
            (Some(latitude), Some(longitude)) => Self::new(latitude, longitude).map(Some),
            (None, None) => Ok(None),
            _ => Err(InvalidPoint),
        }
    }

    /// Degrees north, -90 to 90.
    pub(crate) fn latitude(self) -> f64 {
        self.latitude
    }

    /// Degrees east, -180 to 180.
    pub(crate) fn longitude(self) -> f64 {
        self.longitude
    }

    /// The point rounded to a tenth of a degree, about ten kilometres.
    pub(crate) fn to_tenths(self) -> Self {
        let round = |degrees: f64| (degrees * 10.0).round() / 10.0;
        Self { latitude: round(self.latitude), longitude: round(self.longitude) }
    }

    /// The point rounded to a hundredth of a degree, about one kilometre: for callers who may know the
    /// neighbourhood but not the address.
    pub(crate) fn roughly(self) -> Self {
        let round = |degrees: f64| (degrees * 100.0).round() / 100.0;
        Self { latitude: round(self.latitude), longitude: round(self.longitude) }
    }
}

/// A free-text postal address.
pub(crate) type Address = SingleLine<300>;

/// Where the work is to be done.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Place {
    /// Postal address, if given.
    pub(crate) address: Option<Address>,
    /// Coordinates, if given.
    pub(crate) point: Option<Point>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_on_earth() {
        assert!(Point::new(90.0, -180.0).is_ok());
        for (latitude, longitude) in [(90.1, 0.0), (0.0, 180.5), (f64::NAN, 0.0), (0.0, f64::INFINITY)] {
            assert_eq!(Point::new(latitude, longitude), Err(InvalidPoint));
        }
        assert_eq!(Point::from_parts(None, None), Ok(None));
        assert_eq!(Point::from_parts(Some(1.0), None), Err(InvalidPoint));
    }

    #[test]
    fn a_neighbourhood_is_no_door() {
        let door = Point::new(52.520_008, 13.404_954).unwrap();
        assert_eq!(door.roughly(), Point::new(52.52, 13.4).unwrap());
    }
}
