//! `Location?near=` (`FHIR R4 location.html#search`): great circles, units, poles and the date line.

use super::named::{Named, refused};
use serde_json::{Value, json};

fn location(name: &'static str, latitude: f64, longitude: f64) -> (&'static str, Value) {
    let position = json!({ "latitude": latitude, "longitude": longitude });
    (name, json!({ "resourceType": "Location", "name": name, "position": position }))
}

on_both! {
    fn locations_are_found_by_great_circle_distance(server: &Server) {
        let http = server.http();
        let named = Named::new(http, vec![
            location("leeds", 53.8008, -1.5491),
            location("bradford", 53.7960, -1.7594),
            location("york", 53.9600, -1.0873),
            location("london", 51.5074, -0.1278),
            location("fiji_west", -16.8, 179.99),
            location("fiji_east", -16.8, -179.99),
            location("pole", 90.0, 45.0),
            location("by_the_pole", 89.99, -135.0),
            location("nowhere", 95.0, 0.0),
            ("unplaced", json!({ "resourceType": "Location", "name": "unplaced" })),
        ]);
        named.expect(http, &[
            // Bradford is 13.8 km from Leeds, York 35.0 km, London 272.7 km.
            ("Location?near=53.8008|-1.5491|5|km", "leeds"),
            ("Location?near=53.8008|-1.5491|15|km", "leeds bradford"),
            ("Location?near=53.8008|-1.5491|15", "leeds bradford"),
            ("Location?near=53.8008|-1.5491|15|", "leeds bradford"),
            ("Location?near=53.8008|-1.5491|15000|m", "leeds bradford"),
            ("Location?near=53.8008|-1.5491|13.7|km", "leeds"),
            ("Location?near=53.8008|-1.5491|13.9|km", "leeds bradford"),
            ("Location?near=53.8008|-1.5491|36|km", "leeds bradford york"),
            ("Location?near=53.8008|-1.5491|170|[mi_us]", "leeds bradford york london"),
            ("Location?near=53.8008|-1.5491|169|[mi_i]", "leeds bradford york"),
            ("Location?near=53.8008|-1.5491|2.73e5|m", "leeds bradford york london"),
            // without a distance: 10 km
            ("Location?near=53.8008|-1.5491", "leeds"),
            ("Location?near=53.8008|-1.5491||km", "leeds"),
            ("Location?near=53.8008|-1.5491|0", "leeds"),
            ("Location?near=-16.8|180|2|km", "fiji_west fiji_east"),
            ("Location?near=-16.8|-180|2|km", "fiji_west fiji_east"),
            ("Location?near=-16.8|179.99|2|km", "fiji_west"),
            ("Location?near=-16.8|179.99|3|km", "fiji_west fiji_east"),
            ("Location?near=90|0|0", "pole"),
            ("Location?near=89.995|45|2|km", "pole by_the_pole"),
            ("Location?near=89.995|45|1|km", "pole"),
            ("Location?near=0|0|1e9|km", "leeds bradford york london fiji_west fiji_east pole by_the_pole"),
            // either
            ("Location?near=53.8008|-1.5491|1|km,51.5074|-0.1278|1|km", "leeds london"),
            ("Location?near=53.8008|-1.5491|20&near=53.7960|-1.7594|1", "bradford"),
            ("Location?near:missing=true", "nowhere unplaced"),
        ]);
        refused(http, &[
            ("Location?near=53.8", "latitude|longitude|distance|unit"),
            ("Location?near=-0.1|253.8", "latitude, which comes first"),
            ("Location?near=95|0", "latitude, which comes first"),
            ("Location?near=a|0", "not a number"),
            ("Location?near=1|0|far", "not a number"),
            ("Location?near=1|0|-1", "0 or more"),
            ("Location?near=1|0|1|kg", "no unit of length"),
            ("Location?near=1|0|1|miles", "no unit of length"),
            ("Location?near:exact=1|0", ":exact"),
            ("Patient?near=1|0", "near"),
        ]);
    }
}
