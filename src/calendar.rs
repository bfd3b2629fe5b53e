//! Times as people write them (RFC 3339), always in UTC. Leap seconds do not exist here, as in the
//! clocks of captures.

use crate::said::Time;

const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;

/// A time in RFC 3339: `2026-11-20T22:11:39.123456Z`, with nine digits if microseconds are not
/// enough.
pub fn rfc3339(time: Time) -> String {
    let (days, rest) = (time.nanoseconds().div_euclid(DAY), time.nanoseconds().rem_euclid(DAY));
    let (year, month, day) = civil(days);
    let (seconds, nanoseconds) = (rest / SECOND, rest % SECOND);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let fraction = if nanoseconds % 1000 == 0 {
        format!("{:06}", nanoseconds / 1000)
    } else {
        format!("{nanoseconds:09}")
    };
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction}Z")
}

/// Reads a time in RFC 3339: with `Z` or an offset; without either it is UTC. A space may stand
/// for the `T`.
pub fn read_rfc3339(text: &str) -> Option<Time> {
    let (date, clock) = text.split_once(['T', 't', ' '])?;
    let mut parts = date.splitn(3, '-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let widths = [year.len(), month.len(), day.len()];
    let [year, month, day] = [digits(year)?, digits(month)?, digits(day)?];
    let is_date = widths == [4, 2, 2] && (1..=12).contains(&month) && (1..=31).contains(&day);
    let (clock, offset) = split_offset(clock)?;
    let nanoseconds = days(year, month, day).checked_mul(DAY)?;
    is_date.then_some(Time::new(nanoseconds.checked_add(read_clock(clock)?)?.checked_sub(offset)?))
}

/// Reads a time of day, `22:11`, `22:11:39` or `22:11:39.123`, as nanoseconds since midnight.
pub fn read_clock(text: &str) -> Option<i64> {
    let mut parts = text.splitn(3, ':');
    let (hour, minute) = (digits(parts.next()?)?, digits(parts.next()?)?);
    let second = parts.next().map_or(Some(0), read_seconds)?;
    let is_clock = hour < 24 && minute < 60 && (0..61 * SECOND).contains(&second);
    is_clock.then_some((hour * 3600 + minute * 60) * SECOND + second)
}

/// Reads seconds with a fraction as nanoseconds, exactly: `1.5`.
pub fn read_seconds(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = fraction.len() <= 9 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let fraction = format!("{fraction:0<9}");
    let nanoseconds = digits(whole)?.checked_mul(SECOND)?;
    is_number.then(|| nanoseconds.checked_add(digits(&fraction)?))?
}

/// The midnight (UTC) before a time.
pub fn midnight(time: Time) -> Time {
    Time::new(time.nanoseconds().saturating_sub(time.nanoseconds().rem_euclid(DAY)))
}

/// The time without its offset, and the offset in nanoseconds.
fn split_offset(clock: &str) -> Option<(&str, i64)> {
    if let Some(clock) = clock.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let Some(at) = clock.find(['+', '-']) else { return Some((clock, 0)) };
    let offset = read_clock(&clock[at + 1..])?;
    Some((&clock[..at], if clock[at..].starts_with('-') { -offset } else { offset }))
}

fn digits(text: &str) -> Option<i64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

/// Days since 1970-01-01 in the Gregorian calendar: years begin in March, so that a leap day is
/// the last of its year.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day: the inverse of [`days`].
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_times_come_out_as_the_calendar_has_them() {
        // date -u -d @1792620699 +%FT%TZ
        assert_eq!(rfc3339(Time::new(0)), "1970-01-01T00:00:00.000000Z");
        assert_eq!(rfc3339(Time::new(1_792_620_699_000_000_001)), "2026-10-21T22:11:39.000000001Z");
        assert_eq!(rfc3339(Time::new(951_782_400 * SECOND)), "2000-02-29T00:00:00.000000Z");
        assert_eq!(rfc3339(Time::new(-1)), "1969-12-31T23:59:59.999999999Z");
    }

    #[test]
    fn an_offset_is_taken_into_account() {
        let noon = read_rfc3339("2026-11-20T12:00:00Z");
        assert_eq!(read_rfc3339("2026-11-20T13:30:00+01:30"), noon);
        assert_eq!(read_rfc3339("2026-11-20 07:00:00.000-05:00"), noon);
        assert_eq!(read_rfc3339("2026-11-20T12:00"), noon);
        for wrong in ["2026-13-01T00:00:00Z", "2026-11-20", "2026-1-2T00:00:00Z", "T", "x"] {
            assert_eq!(read_rfc3339(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(time in 0..4_000_000_000_000_000_000i64) {
            prop_assert_eq!(read_rfc3339(&rfc3339(Time::new(time))), Some(Time::new(time)));
        }
    }
}
