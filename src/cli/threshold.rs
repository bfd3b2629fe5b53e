//! `--threshold NAME=VALUE`: from when on something is worth mentioning.

use ws101::rules::thresholds::{self, CannotSet, Threshold, Thresholds, Unit};

/// A threshold and the value that it is to have.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    threshold: &'static Threshold,
    value: f64,
}

impl Setting {
    /// Reads `NAME=VALUE`.
    pub fn parse(text: &str) -> Result<Setting, String> {
        let (name, value) = text
            .split_once('=')
            .ok_or("expected NAME=VALUE, such as pong-deadline=5 or large-frame=4Mi")?;
        Setting::of(name.trim(), value.trim())
    }

    /// Reads a name and a value, such as `pong-deadline` and `500ms`.
    pub fn of(name: &str, value: &str) -> Result<Setting, String> {
        let threshold = thresholds::find(name).ok_or_else(|| unknown(name))?;
        let value = number(value, threshold.unit())?;
        match Thresholds::default().set(threshold.name, value) {
            Ok(()) => Ok(Setting { threshold, value }),
            Err(CannotSet::Broken) => Err(format!("{} is a whole number", threshold.name)),
            Err(_) => Err(format!("{} is not negative", threshold.name)),
        }
    }

    /// Sets it.
    pub fn apply(&self, thresholds: &mut Thresholds) {
        // It was tried when it was read.
        let _ = thresholds.set(self.threshold.name, self.value);
    }
}

/// Reads a value: seconds with `ms`, `s`, `min` or `h`, bytes with `k`, `Mi` and so on, or a number.
fn number(text: &str, unit: Unit) -> Result<f64, String> {
    let scaled = |number: &str, factor: f64| {
        let number = number.trim_end().parse::<f64>().ok().filter(|number| number.is_finite());
        number.map(|number| number * factor)
    };
    const TIMES: [(&str, f64); 4] = [("ms", 0.001), ("min", 60.0), ("s", 1.0), ("h", 3600.0)];
    match unit {
        Unit::Bytes => ws101::select::length(text).map(|bytes| bytes as f64),
        Unit::Seconds => TIMES
            .iter()
            .find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor)))
            .map_or_else(|| scaled(text, 1.0), |(number, factor)| scaled(number, factor))
            .ok_or("expected seconds, such as 5, 0.5, 500ms, 2min or 1h".to_owned()),
        Unit::One => scaled(text, 1.0).ok_or("expected a number".to_owned()),
    }
}

fn unknown(name: &str) -> String {
    let names = thresholds::ALL.iter().map(|threshold| threshold.name);
    let near = ws101::rules::nearest(&name.replace('_', "-"), names);
    let near = match near[..] {
        [] => String::new(),
        _ => format!("; did you mean {}?", near.join(" or ")),
    };
    format!("there is no such threshold{near}\n  ws101 rules --thresholds lists them")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_the_units_of_what_they_count() {
        let value = |text| Setting::parse(text).map(|setting| setting.value);
        assert_eq!(value("pong-deadline=500ms"), Ok(0.5));
        assert_eq!(value("silence = 2 min"), Ok(120.0));
        assert_eq!(value("large_frame=64Ki"), Ok(65536.0));
        assert_eq!(value("messages=20"), Ok(20.0));
        for wrong in ["messages=1.5", "silence=-1", "silence=inf", "silence=x", "large-frame=1s"] {
            assert!(value(wrong).is_err(), "{wrong}");
        }
        let unknown = value("pong-dedline=1").expect_err("there is no such name");
        assert!(unknown.contains("did you mean pong-deadline"), "{unknown}");
    }
}
