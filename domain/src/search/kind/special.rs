//! Special parameters: `Location.near` (`FHIR R4 location.html#search`), `latitude|longitude[|distance[|unit]]`.
//!
//! Distances are those of great circles on a sphere. They are compared as squares of chords, which take multiplications
//! and additions alone: every store comes to the same answer, whatever it knows of trigonometry.

use super::Values;
use super::number::{interval, real};
use crate::index::canonical::canonical;
use crate::index::{Facet, IndexValue};
use crate::resource::json::Json;
use crate::search::query::{NearTest, Prefix, Test};
use std::f64::consts::PI;

/// The mean radius of the earth, in metres (IUGG; WGS 84's axes differ from it by less than 0.4 %).
const RADIUS: f64 = 6_371_008.8;

/// How far is near when the caller does not say, in metres; R4 leaves it to the server.
const DEFAULT_DISTANCE: f64 = 10_000.0;

/// Degrees by which ranges of latitude and longitude are widened, so that rounding never makes them too narrow.
const MARGIN: f64 = 1e-4;

/// Indexes a position on the earth; what is beyond the poles is none.
pub(crate) fn index(element: &Json<'_>, out: &mut Values) {
    let degrees = |member: &str| element.get(member).and_then(real);
    let latitude = degrees("latitude").filter(|latitude| latitude.abs() <= 90.0);
    if let (Some(latitude), Some(longitude)) = (latitude, degrees("longitude")) {
        let longitude = around(longitude);
        let vector = vector(latitude, longitude);
        out.push((Facet::Value, IndexValue::Position { latitude, longitude, vector }));
    }
}

/// A longitude from -180 up to 180.
fn around(longitude: f64) -> f64 {
    (longitude + 180.0).rem_euclid(360.0) - 180.0
}

/// A position as a unit vector from the middle of the earth.
fn vector(latitude: f64, longitude: f64) -> [f64; 3] {
    let (north, east) = (latitude.to_radians(), longitude.to_radians());
    // At a pole every longitude is the same place.
    let across = if latitude.abs() >= 90.0 { 0.0 } else { north.cos() };
    [across * east.cos(), across * east.sin(), north.sin()]
}

/// A searched circle, its parts already unescaped.
///
/// Errors: why it is none.
pub(crate) fn parse(parts: &[String]) -> Result<Test, String> {
    let (latitude, longitude, distance, unit) = match parts {
        [latitude, longitude] => (latitude, longitude, "", ""),
        [latitude, longitude, distance] => (latitude, longitude, distance.as_str(), ""),
        [latitude, longitude, distance, unit] => (latitude, longitude, distance.as_str(), unit.as_str()),
        _ => return Err("write it as latitude|longitude|distance|unit, like 53.8|-1.55|5|km".to_owned()),
    };
    let number = |text: &str| interval(Prefix::Gt, text).map(|(value, ..)| value);
    let latitude = number(latitude)?;
    let longitude = number(longitude)?;
    if latitude.abs() > 90.0 || longitude.abs() > 180.0 {
        return Err(
            "the latitude, which comes first, is from -90 to 90, the longitude from -180 to 180".to_owned()
        );
    }
    let metres = if distance.is_empty() {
        DEFAULT_DISTANCE
    } else {
        let distance = number(distance)?;
        if distance < 0.0 {
            return Err("the distance is 0 or more".to_owned());
        }
        length(distance, if unit.is_empty() { "km" } else { unit })?
    };
    Ok(Test::Near(circle(latitude, around(longitude), metres)))
}

/// A distance in metres. The unit is a UCUM code.
fn length(distance: f64, unit: &str) -> Result<f64, String> {
    let metre = canonical("m").map(|metre| metre.unit);
    let own = canonical(unit).filter(|own| Some(own.unit) == metre);
    let metres = own.and_then(|own| own.value(distance));
    metres.ok_or_else(|| {
        format!("'{unit}' is no unit of length; write a UCUM code, like km, m, [mi_i] or [mi_us]")
    })
}

fn circle(latitude: f64, longitude: f64, metres: f64) -> NearTest {
    let vector = vector(latitude, longitude);
    let angle = metres / RADIUS;
    if angle >= PI {
        // All of the earth; no chord is longer than 2.
        return NearTest { vector, chord: 5.0, latitudes: (-90.0, 90.0), longitudes: None };
    }
    let half = 2.0 * (angle / 2.0).sin();
    let (south, north) = (latitude - angle.to_degrees() - MARGIN, latitude + angle.to_degrees() + MARGIN);
    // The circle touches the meridians where they are this far from the centre's.
    let aside = angle.sin() / latitude.to_radians().cos();
    let longitudes = (south > -90.0 && north < 90.0 && angle < PI / 2.0 && aside < 1.0)
        .then(|| aside.asin().to_degrees() + MARGIN)
        .filter(|aside| *aside < 179.0)
        .map(|aside| (around(longitude - aside), around(longitude + aside)));
    NearTest { vector, chord: half * half, latitudes: (south, north), longitudes }
}

/// Whether a stored position is in the circle.
pub(crate) fn matches(test: &NearTest, stored: [f64; 3]) -> bool {
    let [x, y, z] = stored;
    let [east, aside, north] = test.vector;
    // In this order; the databases reckon the same.
    (x - east) * (x - east) + (y - aside) * (y - aside) + (z - north) * (z - north) <= test.chord
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(search: &str, latitude: f64, longitude: f64) -> bool {
        let parts: Vec<String> = search.split('|').map(str::to_owned).collect();
        let Test::Near(test) = parse(&parts).unwrap() else { panic!("{search}") };
        let longitude = around(longitude);
        let found = matches(&test, vector(latitude, longitude));
        let (south, north) = test.latitudes;
        let beside = test.longitudes.is_none_or(|(west, east)| {
            if west <= east {
                (west..=east).contains(&longitude)
            } else {
                longitude >= west || longitude <= east
            }
        });
        assert!(!found || (south..=north).contains(&latitude) && beside, "{search}: the ranges leave it out");
        found
    }

    #[test]
    fn distances_are_those_of_great_circles() {
        // Leeds to London: 272.7 km on the sphere.
        let (latitude, longitude) = (51.5074, -0.1278);
        assert!(finds("53.8008|-1.5491|273|km", latitude, longitude));
        assert!(!finds("53.8008|-1.5491|272|km", latitude, longitude));
        assert!(finds("53.8008|-1.5491|273000|m", latitude, longitude));
        assert!(finds("53.8008|-1.5491|170|[mi_us]", latitude, longitude));
        assert!(!finds("53.8008|-1.5491|169|[mi_i]", latitude, longitude));
        assert!(finds("53.8008|-1.5491", 53.85, -1.5491) && !finds("53.8008|-1.5491", 53.9, -1.5491));
        assert!(
            finds("53.8008|-1.5491|0", 53.8008, -1.5491) && !finds("53.8008|-1.5491|0", 53.8008, -1.5492)
        );
    }

    #[test]
    fn the_date_line_and_the_poles_are_no_edges() {
        assert!(finds("0|179.99|5", 0.0, -179.99) && finds("0|-179.99|5", 0.0, 179.99));
        assert!(!finds("0|179.99|2", 0.0, -179.99));
        assert!(
            finds("90|0|1", 90.0, 120.0)
                && finds("89.99|0|3", 89.99, 180.0)
                && finds("-90|7|0", -90.0, -100.0)
        );
        assert!(finds("0|0|20038", 0.0, 180.0) && !finds("0|0|20000", 0.0, 180.0));
        assert!(finds("10|10|1e300", -80.0, -100.0));
        assert!(finds("0|180|0", 0.0, -180.0) && finds("0|-180|0|m", 0.0, 540.0));
    }

    #[test]
    fn ranges_leave_nothing_out() {
        // A grid over the earth against circles of all sizes: `finds` asserts it.
        for latitude in [-90.0, -89.9, -60.0, -0.1, 0.0, 33.3, 75.0, 89.5, 90.0] {
            for longitude in [-180.0, -179.9, -90.0, 0.0, 0.1, 120.0, 179.95] {
                for distance in [0.0, 1.0, 100.0, 1_000.0, 5_000.0, 10_000.0, 19_000.0, 30_000.0] {
                    for (north, east) in (-18..=18).flat_map(|n| (-18..18).map(move |e| (n, e))) {
                        let (north, east) = (f64::from(north) * 5.0, f64::from(east) * 10.0);
                        finds(&format!("{latitude}|{longitude}|{distance}"), north, east);
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_no_circle_is_refused() {
        for text in [
            "",
            "1",
            "1|2|3|km|x",
            "91|0",
            "0|181",
            "a|0",
            "0|b",
            "0|0|-1",
            "0|0|1|kg",
            "0|0|1|miles",
            "0|0|x",
        ] {
            let parts: Vec<String> = text.split('|').map(str::to_owned).collect();
            assert!(parse(&parts).is_err(), "{text}");
        }
    }
}
