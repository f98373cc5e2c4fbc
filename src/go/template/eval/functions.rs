//! The functions that a template of keys may call: Go's own, and those of sprig for names.

use super::arguments::Arguments;
use super::value::Value;
use super::verb::hexadecimal;
use super::{Fault, case, compare, format, lists, numbers, regexes, texts};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use std::cmp::Ordering;

/// What a function makes of its arguments.
pub(super) type Function = fn(&mut Arguments<'_>) -> Result<Value, Fault>;

/// As Go reads it: the bits behind the last byte are not looked at.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

/// The function of a name.
pub(super) fn find(name: &str) -> Option<Function> {
    [go, any, text, regex, list, number].into_iter().find_map(|group| group(name))
}

/// Whether an argument with this value is the result, and those behind it are not evaluated.
pub(super) fn decides(name: &str, value: &Value) -> bool {
    match name {
        "and" => !value.is_true(),
        "or" => value.is_true(),
        _ => false,
    }
}

/// Those of Go.
fn go(name: &str) -> Option<Function> {
    Some(match name {
        "and" | "or" => |a| {
            let first = a.any()?;
            Ok(a.rest().last().unwrap_or(first))
        },
        "not" => |a| Ok((!a.any()?.is_true()).into()),
        "eq" => compare::equal,
        "ne" => compare::not_equal,
        "lt" => |a| compare::ordered(a, Ordering::is_lt),
        "le" => |a| compare::ordered(a, Ordering::is_le),
        "gt" => |a| compare::ordered(a, Ordering::is_gt),
        "ge" => |a| compare::ordered(a, Ordering::is_ge),
        "len" => lists::length,
        "index" => lists::index,
        "print" => |a| Ok(format::print(&a.rest().collect::<Vec<_>>()).into()),
        "println" => |a| Ok((a.rest().map(lists::text).collect::<Vec<_>>().join(" ") + "\n").into()),
        "printf" => |a| {
            let format = a.text()?;
            format::printf(&format, a.rest()).map(Value::Text)
        },
        _ => return None,
    })
}

/// Those of sprig for any value.
fn any(name: &str) -> Option<Function> {
    Some(match name {
        "default" => |a| {
            let (default, given) = (a.any()?, a.rest().next());
            a.skip();
            Ok(given.filter(Value::is_true).unwrap_or(default))
        },
        "empty" => |a| Ok((!a.any()?.is_true()).into()),
        "coalesce" => |a| {
            let found = a.rest().find(Value::is_true);
            a.skip();
            Ok(found.unwrap_or(Value::Nil))
        },
        "all" => |a| {
            let all = a.rest().all(|value| value.is_true());
            a.skip();
            Ok(all.into())
        },
        "any" => |a| {
            let any = a.rest().any(|value| value.is_true());
            a.skip();
            Ok(any.into())
        },
        "ternary" => |a| {
            let (yes, no) = (a.any()?, a.any()?);
            Ok(if a.bool()? { yes } else { no })
        },
        "fail" => |a| a.text().and(Err(Fault::Failed)),
        _ => return None,
    })
}

/// Those that make a text of one.
fn text(name: &str) -> Option<Function> {
    Some(match name {
        "upper" => |a| one(a, case::upper),
        "lower" => |a| one(a, case::lower),
        "title" => |a| one(a, case::title),
        "untitle" => |a| one(a, case::untitle),
        "camelcase" => |a| one(a, case::camel),
        "snakecase" => |a| one(a, |text| case::separated(text, '_')),
        "kebabcase" => |a| one(a, |text| case::separated(text, '-')),
        "trim" => |a| one(a, |text| text.trim().to_owned()),
        "trimAll" | "trimall" => |a| two(a, texts::trim_all),
        "trimPrefix" => |a| two(a, |prefix, text| text.strip_prefix(prefix).unwrap_or(text).into()),
        "trimSuffix" => |a| two(a, |suffix, text| text.strip_suffix(suffix).unwrap_or(text).into()),
        "contains" => |a| two(a, |part, text| text.contains(part).into()),
        "hasPrefix" => |a| two(a, |prefix, text| text.starts_with(prefix).into()),
        "hasSuffix" => |a| two(a, |suffix, text| text.ends_with(suffix).into()),
        "replace" => texts::replace,
        "repeat" => texts::repeat,
        "trunc" => texts::trunc,
        "substr" => texts::substr,
        "nospace" => texts::nospace,
        "indent" => |a| texts::indent(a).map(Value::Text),
        "nindent" => |a| texts::indent(a).map(|text| Value::Text(format!("\n{text}"))),
        "plural" => |a| {
            let (one, many, count) = (a.text()?, a.text()?, a.int()?);
            Ok(if count == 1 { one } else { many }.into())
        },
        "quote" => |a| Ok(quoted(a, |value| format::quoted(&lists::text(value)))),
        "squote" => |a| Ok(quoted(a, |value| format!("'{}'", lists::text(value)))),
        "cat" => |a| Ok(quoted(a, lists::text)),
        "toString" => |a| a.any().map(|value| lists::text(value).into()),
        "b64enc" => |a| one(a, |text| BASE64.encode(text)),
        "b64dec" => decode,
        "sha256sum" => |a| one(a, |text| hexadecimal(digest(&SHA256, text.as_bytes()).as_ref())),
        _ => return None,
    })
}

fn regex(name: &str) -> Option<Function> {
    Some(match name {
        "regexMatch" => regexes::is_match,
        "mustRegexMatch" => regexes::must_match,
        "regexFind" | "mustRegexFind" => regexes::find,
        "regexFindAll" | "mustRegexFindAll" => regexes::find_all,
        "regexReplaceAll" | "mustRegexReplaceAll" => regexes::replace_all,
        "regexReplaceAllLiteral" | "mustRegexReplaceAllLiteral" => regexes::replace_all_literal,
        "regexSplit" | "mustRegexSplit" => regexes::split,
        "regexQuoteMeta" => regexes::quote_meta,
        _ => return None,
    })
}

fn list(name: &str) -> Option<Function> {
    Some(match name {
        "split" => texts::split,
        "splitn" => texts::splitn,
        "splitList" => texts::split_list,
        "join" => lists::join,
        "sortAlpha" => lists::sort,
        "toStrings" => |a| Ok(Value::texts(lists::texts(a.any()?))),
        "list" | "tuple" => |a| Ok(Value::List(a.rest().collect())),
        "first" | "mustFirst" => lists::first,
        "last" | "mustLast" => lists::last,
        "rest" | "mustRest" => lists::rest,
        "initial" | "mustInitial" => lists::initial,
        "reverse" | "mustReverse" => lists::reverse,
        "compact" | "mustCompact" => lists::compact,
        "append" | "mustAppend" | "push" | "mustPush" => lists::append,
        "prepend" | "mustPrepend" => lists::prepend,
        "concat" => lists::concat,
        "has" | "mustHas" => lists::has,
        "without" | "mustWithout" => lists::without,
        "slice" | "mustSlice" => lists::slice,
        _ => return None,
    })
}

fn number(name: &str) -> Option<Function> {
    Some(match name {
        "add" => |a| numbers::fold(a, 0, i64::wrapping_add),
        "add1" => |a| Ok(Value::int64(numbers::cast(&a.any()?).wrapping_add(1))),
        "sub" => |a| numbers::two(a, |x, y| Some(x.wrapping_sub(y))),
        "mul" => |a| numbers::fold_first(a, i64::wrapping_mul),
        "div" => |a| numbers::two(a, |x, y| (y != 0).then(|| x.wrapping_div(y))),
        "mod" => |a| numbers::two(a, |x, y| (y != 0).then(|| x.wrapping_rem(y))),
        "max" | "biggest" => |a| numbers::fold_first(a, i64::max),
        "min" => |a| numbers::fold_first(a, i64::min),
        "int" => |a| Ok(Value::int(numbers::cast(&a.any()?))),
        "int64" => |a| Ok(Value::int64(numbers::cast(&a.any()?))),
        "atoi" => |a| Ok(Value::int(numbers::atoi(&a.text()?))),
        "until" => |a| {
            let stop = a.int()?;
            let numbers = numbers::until(0, stop, if stop < 0 { -1 } else { 1 })?;
            Ok(Value::List(numbers.into_iter().map(Value::int).collect()))
        },
        "untilStep" => |a| {
            let numbers = numbers::until(a.int()?, a.int()?, a.int()?)?;
            Ok(Value::List(numbers.into_iter().map(Value::int).collect()))
        },
        _ => return None,
    })
}

fn one(arguments: &mut Arguments<'_>, change: fn(&str) -> String) -> Result<Value, Fault> {
    Ok(change(&arguments.text()?).into())
}

/// Sprig's functions have the text that they are about last, so that it can be piped to them.
fn two(arguments: &mut Arguments<'_>, make: fn(&str, &str) -> Value) -> Result<Value, Fault> {
    Ok(make(&arguments.text()?, &arguments.text()?))
}

/// All arguments but nothing, with a space between them.
fn quoted(arguments: &mut Arguments<'_>, one: fn(Value) -> String) -> Value {
    let all = arguments.rest().filter(|value| *value != Value::Nil).map(one);
    all.collect::<Vec<_>>().join(" ").into()
}

/// Line breaks are passed over.
fn decode(arguments: &mut Arguments<'_>) -> Result<Value, Fault> {
    let encoded = arguments.text()?.replace(['\r', '\n'], "");
    let decoded = BASE64.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    decoded.map(Value::Text).ok_or(Fault::Base64)
}
