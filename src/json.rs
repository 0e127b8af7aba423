//! Maps of JSON values in pages that aren't JSON: postcard reads only what it knows the kind of, so
//! that each value is written with its kind. For `#[serde(with = "crate::json")]`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Number, Value};

/// A value and its kind.
#[derive(Serialize, Deserialize)]
enum Kind<'v> {
    Null,
    Truth(bool),
    Natural(u64),
    Integer(i64),
    Float(f64),
    Text(Cow<'v, str>),
    List(Vec<Kind<'v>>),
    Object(Vec<(Cow<'v, str>, Kind<'v>)>),
}

impl<'v> From<&'v Value> for Kind<'v> {
    fn from(value: &'v Value) -> Kind<'v> {
        match value {
            Value::Null => Kind::Null,
            Value::Bool(truth) => Kind::Truth(*truth),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(natural), _) => Kind::Natural(natural),
                (None, Some(integer)) => Kind::Integer(integer),
                (None, None) => Kind::Float(number.as_f64().unwrap_or_default()),
            },
            Value::String(text) => Kind::Text(Cow::Borrowed(text)),
            Value::Array(values) => Kind::List(values.iter().map(Kind::from).collect()),
            Value::Object(map) => {
                let entry = |(name, value): (&'v String, &'v Value)| {
                    (Cow::Borrowed(name.as_str()), Kind::from(value))
                };
                Kind::Object(map.iter().map(entry).collect())
            }
        }
    }
}

impl From<Kind<'_>> for Value {
    fn from(kind: Kind) -> Value {
        match kind {
            Kind::Null => Value::Null,
            Kind::Truth(truth) => Value::Bool(truth),
            Kind::Natural(natural) => Value::from(natural),
            Kind::Integer(integer) => Value::from(integer),
            Kind::Float(float) => Number::from_f64(float).map_or(Value::Null, Value::Number),
            Kind::Text(text) => Value::String(text.into_owned()),
            Kind::List(values) => values.into_iter().map(Value::from).collect(),
            Kind::Object(entries) => {
                let entries = entries.into_iter();
                let entry = |(name, kind): (Cow<str>, Kind)| (name.into_owned(), kind.into());
                Value::Object(entries.map(entry).collect())
            }
        }
    }
}

/// Writes the values by name.
///
/// # Errors
/// As the serializer.
pub fn serialize<S: Serializer>(
    values: &BTreeMap<String, Value>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(values.iter().map(|(name, value)| (name, Kind::from(value))))
}

/// Reads what [`serialize`] wrote.
///
/// # Errors
/// As the deserializer.
pub fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, Value>, D::Error> {
    let values = BTreeMap::<String, Kind>::deserialize(deserializer)?;
    Ok(values
        .into_iter()
        .map(|(name, kind)| (name, kind.into()))
        .collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Serialize};
    use serde_json::{Value, json};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Page(#[serde(with = "crate::json")] BTreeMap<String, Value>);

    #[test]
    fn every_value_comes_back() {
        for value in [
            json!(null),
            json!(true),
            json!(0),
            json!(-1),
            json!(u64::MAX),
            json!(i64::MIN),
            json!(1.5),
            json!(""),
            json!("é\0\"x"),
            json!([]),
            json!(["a", [1, null]]),
            json!({"z": {"y": 1}, "a": [false]}),
        ] {
            let page = Page(BTreeMap::from([("name".to_string(), value)]));
            let bytes = postcard::to_stdvec(&page).unwrap();
            assert_eq!(postcard::from_bytes::<Page>(&bytes), Ok(page));
            for end in 0..bytes.len() {
                assert!(postcard::from_bytes::<Page>(&bytes[..end]).is_err());
            }
        }
    }
}
