//! One option with its value, as a file gives it: read by what the table of options says of it, and refused as the option is.

use std::any::TypeId;

use clap::{Arg, ArgAction, Command};
use toml::de::DeValue;

use crate::cli::complaint::in_one_line;

/// An option as the file gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Setting {
    /// Its long name.
    pub(in crate::cli) option: String,
    /// `true` or `false` of a switch; of a list, any number.
    pub(in crate::cli) values: Vec<String>,
    /// Where its key stands, from 1.
    pub(in crate::cli) line: usize,
}

/// What an option takes in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Kind {
    Switch,
    /// A text, or an array of texts.
    List,
    /// A number without a fraction.
    Whole,
    /// A number.
    Number,
    Text,
}

impl Kind {
    /// By what its values become.
    pub(in crate::cli) fn of(arg: &Arg) -> Self {
        let becomes = arg.get_value_parser().type_id();
        let whole = [TypeId::of::<u8>(), TypeId::of::<u16>(), TypeId::of::<u32>(), TypeId::of::<usize>()];
        match arg.get_action() {
            ArgAction::SetTrue => Self::Switch,
            ArgAction::Append => Self::List,
            _ if whole.iter().any(|whole| becomes == *whole) => Self::Whole,
            _ if becomes == TypeId::of::<f32>() || becomes == TypeId::of::<f64>() => Self::Number,
            _ => Self::Text,
        }
    }

    fn expected(self) -> &'static str {
        match self {
            Self::Switch => "true or false",
            Self::List => "a text in quotes, or an array of them,",
            Self::Whole | Self::Number => "a number without quotes",
            Self::Text => "a text in quotes",
        }
    }

    fn takes(self, value: &DeValue<'_>) -> bool {
        match value {
            DeValue::Boolean(_) => self == Self::Switch,
            DeValue::String(_) => matches!(self, Self::Text | Self::List),
            DeValue::Integer(_) => matches!(self, Self::Whole | Self::Number),
            DeValue::Float(_) => self == Self::Number,
            DeValue::Array(values) => {
                self == Self::List && values.iter().all(|value| value.get_ref().is_str())
            }
            DeValue::Datetime(_) | DeValue::Table(_) => false,
        }
    }
}

/// The values of an option, or what is wrong with them.
pub(super) fn values(arg: &Arg, value: &DeValue<'_>) -> Result<Vec<String>, String> {
    let kind = Kind::of(arg);
    let texts = texts(value);
    if kind != Kind::Switch {
        // It names the range, which is worth more than the name of a type.
        if let Some(refusal) = texts.iter().flatten().find_map(|text| refusal(arg, text)) {
            return Err(refusal);
        }
    }
    match texts {
        Some(texts) if kind.takes(value) => Ok(texts),
        _ => {
            let option = arg.get_long().unwrap_or_default();
            Err(format!("invalid value for {option}: {} is expected", kind.expected()))
        }
    }
}

/// A value as it would be typed; none of what cannot be.
fn texts(value: &DeValue<'_>) -> Option<Vec<String>> {
    let one = match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Boolean(is_on) => is_on.to_string(),
        DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str().to_owned(),
        DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix()).ok()?.to_string(),
        DeValue::Float(float) => float.as_str().to_owned(),
        DeValue::Array(values) => {
            let texts = values.iter().map(|value| value.get_ref().as_str().map(str::to_owned));
            return texts.collect();
        }
        DeValue::Datetime(_) | DeValue::Table(_) => return None,
    };
    Some(vec![one])
}

/// Why an option does not take this value; it is named as in the file.
pub(super) fn refusal(arg: &Arg, value: &str) -> Option<String> {
    let option = arg.get_long().unwrap_or_default();
    let alone =
        Command::new("vigie").no_binary_name(true).disable_help_flag(true).arg(arg.clone().global(false));
    let error = alone.try_get_matches_from([format!("--{option}={value}")]).err()?;
    Some(in_one_line(&error).replace(&format!("'{arg}'"), option))
}
