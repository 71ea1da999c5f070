//! Random bodies, the same over HTTP and in process: random bytes, random JSON, and published resources with bytes changed.

use crate::published;

/// Random numbers that a seed repeats (splitmix64).
#[derive(Debug, Clone)]
pub struct Random(pub u64);

impl Random {
    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 for a bound of 0.
    pub fn below(&mut self, bound: usize) -> usize {
        self.bits().checked_rem(bound as u64).unwrap_or_default() as usize
    }

    /// One of `all`, which are some.
    pub fn of<'t, T>(&mut self, all: &'t [T]) -> &'t T {
        let at = self.below(all.len());
        all.get(at).unwrap_or_else(|| panic!("nothing to choose from"))
    }
}

/// What mutations start from besides the published resources: structure of every kind in few bytes.
const SEEDS: &[&str] = &[
    r##"{"resourceType":"Patient","id":"a","meta":{"tag":[{"system":"s","code":"c"}]},"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><p style=\"color:red\">x &amp; <a href=\"#o\">y</a></p><!-- z --></div>"},"contained":[{"resourceType":"Organization","id":"o","name":"n"}],"extension":[{"url":"u","valueString":"v"}],"name":[{"family":"f","_family":{"id":"i"},"given":["a","b"],"_given":[null,{"id":"x"}]}],"birthDate":"1961-03-09","managingOrganization":{"reference":"#o"}}"##,
    r#"{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"1-1"}]},"subject":{"reference":"Patient/a"},"effectiveDateTime":"2024-05-06T07:08:09+01:00","valueQuantity":{"value":1.10,"system":"http://unitsofmeasure.org","code":"kg"},"component":[{"code":{"text":"c"},"valueRange":{"low":{"value":-0.0e-3}}}]}"#,
    r#"{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:88f151c0-a954-468a-88bd-5ae15c08e059","resource":{"resourceType":"Basic","code":{"text":"t"},"subject":{"reference":"urn:uuid:88f151c0-a954-468a-88bd-5ae15c08e05a"}},"request":{"method":"POST","url":"Basic"}},{"fullUrl":"urn:uuid:88f151c0-a954-468a-88bd-5ae15c08e05a","resource":{"resourceType":"Patient","id":"p"},"request":{"method":"PUT","url":"Patient/p","ifMatch":"W/\"1\""}},{"request":{"method":"DELETE","url":"Basic/x"}},{"request":{"method":"GET","url":"Basic?_count=1&_sort=-_lastUpdated"}}]}"#,
    r#"{"resourceType":"CarePlan","status":"active","intent":"plan","subject":{"reference":"Patient/a"},"period":{"start":"2024","end":"2025-01"},"activity":[{"detail":{"status":"scheduled","scheduledTiming":{"repeat":{"frequency":1,"period":1,"periodUnit":"d"}}}}]}"#,
];

/// Pieces that have broken FHIR parsers before.
const PIECES: &[&str] = &[
    "null",
    "true",
    "[]",
    "{}",
    "[[]]",
    "[{}]",
    "\"\"",
    "-0",
    "1e400",
    "1E-999999",
    "99999999999999999999",
    "0.1",
    "\"\\u0000\"",
    "\"\\ud83d\\ude00\"",
    "\"&lt;script&gt;\"",
    "\"Patient/a\"",
    "\"2024-02-30\"",
    "\"Bundle\"",
    "\"Patient\"",
    "\"urn:uuid:\"",
    "\"\\ud800\"",
    "\"resourceType\":",
    "\"_\":",
    "\"id\":\"\\n\",",
    "\u{202e}",
    "\"#\"",
    "%",
    "'",
    "\"../../../etc\"",
    "\"Patient?identifier=x\"",
    "<",
    "<script>",
    "&#1;",
    "]]>",
    "<!--",
    ",",
    ":",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "\\",
    "\0",
    "\u{feff}",
    " ",
    "\n",
];

/// How many of [`PIECES`], from the first, are JSON values.
const VALUES: usize = 20;

/// A source of bodies.
#[derive(Debug, Clone)]
pub struct Storm {
    random: Random,
    seeds: Vec<Vec<u8>>,
}

impl Storm {
    /// Bodies that `seed` repeats.
    pub fn new(seed: u64) -> Storm {
        let mut seeds: Vec<Vec<u8>> = SEEDS.iter().map(|text| text.as_bytes().to_vec()).collect();
        for name in ["r4-examples.tar.zst", "careplan", "ukcore"] {
            let files = published::json_files(name).unwrap_or_default();
            seeds.extend(files.into_values().filter(|text| text.len() < 20_000));
        }
        Storm { random: Random(seed), seeds }
    }

    /// The source's random numbers, for choices about where a body goes.
    pub fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    /// The next body.
    pub fn body(&mut self) -> Vec<u8> {
        match self.random.below(10) {
            0 => self.bytes(),
            1 => self.pieces(),
            2..=4 => {
                let seed = self.random.of(&self.seeds).clone();
                self.revalued(seed)
            }
            // The short seeds have more that can go wrong for their length.
            5..=7 => {
                let seed = self.random.of(self.seeds.get(..SEEDS.len()).unwrap_or_default()).clone();
                self.mutated(seed)
            }
            _ => {
                let seed = self.random.of(&self.seeds).clone();
                self.mutated(seed)
            }
        }
    }

    fn bytes(&mut self) -> Vec<u8> {
        (0..self.random.below(300)).map(|_| self.random.below(256) as u8).collect()
    }

    fn pieces(&mut self) -> Vec<u8> {
        (0..self.random.below(40)).flat_map(|_| self.random.of(PIECES).bytes()).collect()
    }

    /// Other values after a few of the names: mostly still JSON.
    fn revalued(&mut self, mut body: Vec<u8>) -> Vec<u8> {
        for _ in 0..=self.random.below(2) {
            let from = self.random.below(body.len());
            let after = |at: usize, ends: &[u8]| {
                body.iter().skip(at).position(|byte| ends.contains(byte)).map(|more| at + more)
            };
            let Some(colon) = after(from, b":") else { continue };
            let Some(end) = after(colon + 1, b",}]") else { continue };
            let piece = self.random.of(PIECES.get(..VALUES).unwrap_or_default()).bytes();
            drop(body.splice(colon + 1..end, piece));
        }
        body
    }

    fn mutated(&mut self, mut body: Vec<u8>) -> Vec<u8> {
        for _ in 0..=self.random.below(5) {
            let from = self.random.below(body.len());
            let to = body.len().min(from + 1 + self.random.below(40));
            let piece = self.random.of(PIECES).as_bytes().to_vec();
            let copy = body.get(from..to).unwrap_or_default().to_vec();
            let other = self.random.below(body.len());
            match self.random.below(6) {
                0 => drop(body.splice(from..body.len().min(from + 1), [self.random.below(256) as u8])),
                1 => drop(body.drain(from..to)),
                2 => drop(body.splice(from..from, piece)),
                3 => drop(body.splice(other..other, copy)),
                4 if self.random.below(4) == 0 => body.truncate(from),
                _ => drop(body.splice(from..to, piece)),
            }
        }
        body
    }
}
