//! Counts and times of requests by interaction and status class, in Prometheus' text format.
//!
//! The labels are fixed text, so a request costs a few atomic additions and no label can hold personal data.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// What a request was, as the label `interaction`. FHIR's names (`FHIR R4 valueset-restful-interaction.html`).
pub(crate) const INTERACTIONS: &[&str] = &[
    "other",
    "capabilities",
    "read",
    "vread",
    "history",
    "search",
    "create",
    "update",
    "patch",
    "delete",
    "bundle",
];

/// Upper bounds of the histogram in microseconds.
const BOUNDS: [u64; 12] =
    [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 100_000, 500_000, 2_500_000, 10_000_000];

/// Times of one interaction and its statuses.
#[derive(Default)]
struct Series {
    statuses: [AtomicU64; 6],
    buckets: [AtomicU64; 13],
    micros: AtomicU64,
}

/// All series.
#[derive(Default)]
pub(crate) struct Recorder {
    series: [Series; INTERACTIONS.len()],
}

/// The place of an interaction in [`INTERACTIONS`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Label(pub(crate) usize);

impl Label {
    /// The label of a name of [`INTERACTIONS`], `other` for any else.
    pub(crate) fn of(name: &str) -> Label {
        Label(INTERACTIONS.iter().position(|known| *known == name).unwrap_or(0))
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        INTERACTIONS.get(self.0).copied().unwrap_or("other")
    }
}

impl Recorder {
    /// Counts one answered request.
    pub(crate) fn count(&self, label: Label, status: u16, took: Duration) {
        let Some(series) = self.series.get(label.0) else { return };
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.iter().position(|bound| micros <= *bound).unwrap_or(BOUNDS.len());
        if let Some(bucket) = series.buckets.get(bucket) {
            bucket.fetch_add(1, Relaxed);
        }
        if let Some(class) = series.statuses.get(usize::from(status / 100)) {
            class.fetch_add(1, Relaxed);
        }
        series.micros.fetch_add(micros, Relaxed);
    }

    /// All series as text, with the number of requests being worked on.
    pub(crate) fn render(&self, running: usize) -> String {
        let mut text = String::with_capacity(8192);
        let _ = writeln!(text, "# TYPE binnacle_requests_running gauge\nbinnacle_requests_running {running}");
        text.push_str("# TYPE binnacle_requests_total counter\n");
        for (name, series) in INTERACTIONS.iter().zip(&self.series) {
            for (class, count) in series.statuses.iter().enumerate() {
                let count = count.load(Relaxed);
                if count > 0 {
                    let _ = writeln!(
                        text,
                        "binnacle_requests_total{{interaction=\"{name}\",status=\"{class}xx\"}} {count}"
                    );
                }
            }
        }
        text.push_str("# TYPE binnacle_request_seconds histogram\n");
        for (name, series) in INTERACTIONS.iter().zip(&self.series) {
            series.render(name, &mut text);
        }
        text
    }
}

impl Series {
    fn render(&self, name: &str, text: &mut String) {
        let mut below = 0;
        let bounds = BOUNDS.iter().map(|bound| (*bound as f64 / 1e6).to_string()).chain(["+Inf".to_owned()]);
        let mut lines = String::new();
        for (bound, bucket) in bounds.zip(&self.buckets) {
            below += bucket.load(Relaxed);
            let _ = writeln!(
                lines,
                "binnacle_request_seconds_bucket{{interaction=\"{name}\",le=\"{bound}\"}} {below}"
            );
        }
        if below > 0 {
            let seconds = self.micros.load(Relaxed) as f64 / 1e6;
            text.push_str(&lines);
            let _ = writeln!(text, "binnacle_request_seconds_sum{{interaction=\"{name}\"}} {seconds}");
            let _ = writeln!(text, "binnacle_request_seconds_count{{interaction=\"{name}\"}} {below}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_counted_where_it_belongs() {
        let recorder = Recorder::default();
        recorder.count(Label::of("read"), 404, Duration::from_micros(300));
        let text = recorder.render(2);
        assert!(text.contains("binnacle_requests_running 2"));
        assert!(text.contains(r#"binnacle_requests_total{interaction="read",status="4xx"} 1"#));
        assert!(text.contains(r#"_bucket{interaction="read",le="0.00025"} 0"#), "{text}");
        assert!(text.contains(r#"_bucket{interaction="read",le="0.0005"} 1"#));
        assert!(!text.contains("vread"));
    }
}
