//! Numbers as they are asked for: `1,4-6`, and lengths with units: `10k`.

use std::str::FromStr;

/// A set of numbers: single ones and ranges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbers(Vec<(u64, u64)>);

impl Numbers {
    /// This number alone.
    pub fn one(number: u64) -> Numbers {
        Numbers(vec![(number, number)])
    }

    /// True if the number is one of them.
    pub fn contains(&self, number: u64) -> bool {
        self.0.iter().any(|&(first, last)| (first..=last).contains(&number))
    }

    /// The number, if there is only one.
    pub fn only(&self) -> Option<u64> {
        match self.0[..] {
            [(first, last)] if first == last => Some(first),
            _ => None,
        }
    }
}

impl FromStr for Numbers {
    type Err = String;

    fn from_str(text: &str) -> Result<Numbers, String> {
        let wrong = || "expected numbers from 1, such as 3 or 1,4-6 or 7-".to_owned();
        let number = |text: &str| text.trim().parse::<u64>().ok().filter(|number| *number > 0);
        let range = |part: &str| match part.split_once('-') {
            None => number(part).map(|number| (number, number)),
            Some((first, "")) => number(first).map(|first| (first, u64::MAX)),
            Some((first, last)) => number(first).zip(number(last)),
        };
        let ranges: Option<Vec<_>> = text.split(',').map(range).collect();
        let ranges = ranges.ok_or_else(wrong)?;
        if ranges.iter().any(|(first, last)| first > last) {
            return Err(wrong());
        }
        Ok(Numbers(ranges))
    }
}

/// Reads a length: `300`, `10k`, `1.5M`, `2G`; with `i` a power of 1024 (`64Ki`). A `B` may follow.
pub fn length(text: &str) -> Result<u64, String> {
    let wrong = || "expected a number of bytes, such as 300, 10k, 64Ki or 1M".to_owned();
    let trimmed = text.trim().trim_end_matches(['B', 'b']).trim_end();
    let (trimmed, base) = match trimmed.strip_suffix('i') {
        Some(trimmed) => (trimmed, 1024u64),
        None => (trimmed, 1000),
    };
    let power = match trimmed.chars().last().map(|unit| unit.to_ascii_lowercase()) {
        Some('k') => 1,
        Some('m') => 2,
        Some('g') => 3,
        _ if base == 1024 => return Err(wrong()),
        _ => 0,
    };
    let number = if power > 0 { &trimmed[..trimmed.len() - 1] } else { trimmed };
    let unit = base.pow(power);
    if let Ok(number) = number.parse::<u64>() {
        return number.checked_mul(unit).ok_or_else(wrong);
    }
    let fraction = number.parse::<f64>().ok().filter(|_| power > 0).ok_or_else(wrong)?;
    let bytes = fraction * unit as f64;
    if (0.0..1e18).contains(&bytes) { Ok(bytes as u64) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_single_or_in_ranges() {
        let numbers: Numbers = "1,4-6,9-".parse().expect("numbers");
        let found: Vec<_> = (0..12).filter(|&n| numbers.contains(n)).collect();
        assert_eq!(found, [1, 4, 5, 6, 9, 10, 11]);
        assert_eq!("7".parse::<Numbers>().expect("a number").only(), Some(7));
        for wrong in ["", "0", "x", "3-1", "1,,2", "-3"] {
            assert!(wrong.parse::<Numbers>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn lengths_may_have_units() {
        let cases = [
            ("0", 0),
            ("300", 300),
            ("10k", 10_000),
            ("10kB", 10_000),
            ("1.5M", 1_500_000),
            ("64Ki", 65_536),
            ("2GiB", 2 << 30),
        ];
        for (text, bytes) in cases {
            assert_eq!(length(text), Ok(bytes), "{text}");
        }
        for wrong in ["", "k", "-1", "1.5", "10x", "8i", "99999999999G", "NaNk"] {
            assert!(length(wrong).is_err(), "{wrong:?}");
        }
    }
}
