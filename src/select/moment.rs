//! A moment as it is asked for: a date and time, a time of day, seconds from the start of the
//! capture, or seconds before the connection closed.

use crate::calendar;
use crate::said::Time;
use std::str::FromStr;

/// A moment; numbers are nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// This very time.
    At(Time),
    /// A time of day (UTC), on the day on which the capture began.
    Clock(i64),
    /// So long after the capture began.
    AfterStart(i64),
    /// So long before the connection closed.
    BeforeEnd(i64),
}

impl Moment {
    /// The time, if what it is counted from is known.
    pub fn time(self, start: Option<Time>, closed: Option<Time>) -> Option<Time> {
        let shifted = |time: Time, by: i64| Time::new(time.nanoseconds().saturating_add(by));
        match self {
            Moment::At(time) => Some(time),
            Moment::Clock(clock) => Some(shifted(calendar::midnight(start?), clock)),
            Moment::AfterStart(after) => Some(shifted(start?, after)),
            Moment::BeforeEnd(before) => Some(shifted(closed?, -before)),
        }
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Moment, String> {
        let seconds = |text: &str| calendar::read_seconds(text.strip_suffix('s').unwrap_or(text));
        let moment = if let Some(before) = text.strip_prefix('-') {
            seconds(before).map(Moment::BeforeEnd)
        } else {
            let clock = || calendar::read_clock(text).map(Moment::Clock);
            let date = || calendar::read_rfc3339(text).map(Moment::At);
            seconds(text).map(Moment::AfterStart).or_else(clock).or_else(date)
        };
        moment.ok_or_else(|| {
            "expected seconds from the start of the capture (1.5), seconds before the connection \
             closed (-1s), a time of day in UTC (22:11:39) or a date and time \
             (2026-11-20T22:11:39Z)"
                .to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_may_be_counted_from_several_points() {
        let start = calendar::read_rfc3339("2026-11-20T22:00:00Z");
        let closed = calendar::read_rfc3339("2026-11-20T22:10:00Z");
        let cases = [
            ("1.5", "2026-11-20T22:00:01.500000Z"),
            ("90s", "2026-11-20T22:01:30.000000Z"),
            ("-1s", "2026-11-20T22:09:59.000000Z"),
            ("-0.25", "2026-11-20T22:09:59.750000Z"),
            ("22:05", "2026-11-20T22:05:00.000000Z"),
            ("2026-11-21T01:00:00+02:00", "2026-11-20T23:00:00.000000Z"),
        ];
        for (text, expected) in cases {
            let moment: Moment = text.parse().expect("a moment");
            assert_eq!(
                moment.time(start, closed).map(calendar::rfc3339).as_deref(),
                Some(expected)
            );
        }
        for wrong in ["", "-", "soon", "25:00", "1.5.2", "2026-11-20"] {
            assert!(wrong.parse::<Moment>().is_err(), "{wrong:?}");
        }
    }
}
