//! NHS numbers: ten digits, of which the last is a modulus 11 check digit.

/// The identifier system of NHS numbers.
pub const SYSTEM: &str = "https://fhir.nhs.uk/Id/nhs-number";

/// Whether `text` is an NHS number as it is stored: ten ASCII digits, the last the check digit, not all zero.
pub fn is_valid(text: &str) -> bool {
    let mut digits = [0_u32; 10];
    if text.len() != digits.len() || text == "0000000000" {
        return false;
    }
    for (digit, byte) in digits.iter_mut().zip(text.bytes()) {
        if !byte.is_ascii_digit() {
            return false;
        }
        *digit = u32::from(byte - b'0');
    }
    let [stem @ .., check] = digits;
    let sum: u32 = stem.iter().zip((2..=10).rev()).map(|(digit, weight)| digit * weight).sum();
    // A remainder of 1 would need the check digit 10: there is no such number.
    (11 - sum % 11) % 11 == check
}

/// The ten digits of an NHS number as people write it: `9434765919`, `943 476 5919` or `943-476-5919`.
pub fn normalise(text: &str) -> Option<String> {
    let digits = match text.as_bytes() {
        [_, _, _, first @ (b' ' | b'-'), _, _, _, second, _, _, _, _] if first == second => {
            text.chars().filter(|c| *c != char::from(*first)).collect()
        }
        _ => text.to_owned(),
    };
    is_valid(&digits).then_some(digits)
}
