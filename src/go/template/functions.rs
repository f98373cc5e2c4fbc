//! Takes the name of a function and says whether a template of External Secrets Operator may call it. The list is
//! Go's built-in functions, those of sprig v3.3.0 and the operator's own; the parity tests compare it with sprig.

use super::Problem;
use crate::go::excerpt;
use crate::suggest::nearest;

/// Whether the function exists.
pub(super) fn exists(name: &str) -> bool {
    FUNCTIONS.binary_search(&name).is_ok()
}

/// What to say about a function that does not exist.
pub(super) fn undefined(name: &str) -> Problem {
    let advice = match name {
        "env" | "expandenv" | "getHostByName" => {
            "; External Secrets Operator removes it because it reads from the operator's surroundings"
                .to_owned()
        }
        "include" | "lookup" | "required" | "tpl" => "; it is one of Helm's".to_owned(),
        "elif" | "elseif" => "; write {{ else if … }}".to_owned(),
        "endif" | "endrange" | "endwith" => "; write {{ end }}".to_owned(),
        _ => {
            let meant = match name {
                "base64" | "base64encode" | "b64encode" | "b64" => Some("b64enc"),
                "base64decode" | "b64decode" => Some("b64dec"),
                _ => nearest(name, FUNCTIONS.iter().copied()),
            };
            meant.map_or_else(
                || format!("; a key is written with a dot: {}", excerpt(&format!(".{name}"))),
                |known| format!("; did you mean `{known}`?"),
            )
        }
    };
    Problem::UndefinedFunction { name: excerpt(name), advice }
}

#[rustfmt::skip]
const FUNCTIONS: &[&str] = &[
    "abbrev", "abbrevboth", "add", "add1", "add1f", "addf", "adler32sum", "ago", "all", "and", "any",
    "append", "atoi", "b32dec", "b32enc", "b64dec", "b64enc", "base", "bcrypt", "biggest",
    "buildCustomCert", "call", "camelcase", "cat", "ceil", "certSANs", "chunk", "clean", "coalesce",
    "compact", "concat", "contains", "date", "dateInZone", "dateModify", "date_in_zone", "date_modify",
    "decryptAES", "deepCopy", "deepEqual", "default", "derivePassword", "dict", "dig", "dir", "div", "divf",
    "duration", "durationRound", "empty", "encryptAES", "eq", "ext", "fail", "filterCertChain", "filterPEM",
    "first", "float64", "floor", "fromJson", "fromYaml", "fullPemToPkcs12", "fullPemToPkcs12Pass", "ge",
    "genCA", "genCAWithKey", "genPrivateKey", "genSelfSignedCert", "genSelfSignedCertWithKey",
    "genSignedCert", "genSignedCertWithKey", "get", "gt", "has", "hasKey", "hasPrefix", "hasSuffix",
    "hello", "html", "htmlDate", "htmlDateInZone", "htpasswd", "indent", "index", "initial", "initials",
    "int", "int64", "isAbs", "join", "js", "jwkPrivateKeyPem", "jwkPublicKeyPem", "kebabcase", "keys",
    "kindIs", "kindOf", "last", "le", "len", "list", "lower", "lt", "max", "maxf", "merge",
    "mergeOverwrite", "min", "minf", "mod", "mul", "mulf", "mustAppend", "mustChunk", "mustCompact",
    "mustDateModify", "mustDeepCopy", "mustFirst", "mustFromJson", "mustHas", "mustInitial", "mustLast",
    "mustMerge", "mustMergeOverwrite", "mustPrepend", "mustPush", "mustRegexFind", "mustRegexFindAll",
    "mustRegexMatch", "mustRegexReplaceAll", "mustRegexReplaceAllLiteral", "mustRegexSplit", "mustRest",
    "mustReverse", "mustSlice", "mustToDate", "mustToJson", "mustToPrettyJson", "mustToRawJson", "mustUniq",
    "mustWithout", "must_date_modify", "ne", "nindent", "nospace", "not", "now", "omit", "or", "osBase",
    "osClean", "osDir", "osExt", "osIsAbs", "pemToPkcs12", "pemToPkcs12Pass", "pemTruststoreToPKCS12",
    "pemTruststoreToPKCS12Pass", "pick", "pkcs12cert", "pkcs12certPass", "pkcs12key", "pkcs12keyPass",
    "pluck", "plural", "prepend", "print", "printf", "println", "push", "quote", "randAlpha",
    "randAlphaNum", "randAscii", "randBytes", "randInt", "randNumeric", "regexFind", "regexFindAll",
    "regexMatch", "regexQuoteMeta", "regexReplaceAll", "regexReplaceAllLiteral", "regexSplit", "repeat",
    "replace", "rest", "reverse", "round", "rsaDecrypt", "semver", "semverCompare", "seq", "set", "sha1sum",
    "sha256sum", "sha512sum", "shuffle", "slice", "snakecase", "sortAlpha", "split", "splitList", "splitn",
    "squote", "sub", "subf", "substr", "swapcase", "ternary", "title", "toDate", "toDecimal", "toJson",
    "toPrettyJson", "toRawJson", "toString", "toStrings", "toYaml", "trim", "trimAll", "trimPrefix",
    "trimSuffix", "trimall", "trunc", "tuple", "typeIs", "typeIsLike", "typeOf", "uniq", "unixEpoch",
    "unset", "until", "untilStep", "untitle", "upper", "urlJoin", "urlParse", "urlquery", "uuidv4",
    "values", "without", "wrap", "wrapWith",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_that_of_go() {
        let recorded = include_str!("../../../tests/go/vectors/functions.golden.jsonl");
        let answer: serde_json::Value = serde_json::from_str(recorded).unwrap();
        assert_eq!(answer["names"], serde_json::json!(FUNCTIONS));
    }

    #[test]
    fn functions_are_sorted_and_found() {
        assert!(FUNCTIONS.is_sorted_by(|a, b| a < b));
        assert!(["and", "b64enc", "pkcs12key", "toYaml", "upper", "urlquery"].into_iter().all(exists));
        assert!(!exists("env") && !exists("toyaml") && !exists(""));
    }

    #[test]
    fn a_close_name_is_suggested() {
        for (name, message) in [
            ("toyaml", "function `toyaml` not defined; did you mean `toYaml`?"),
            ("b64encode", "function `b64encode` not defined; did you mean `b64enc`?"),
            ("toJSON", "function `toJSON` not defined; did you mean `toJson`?"),
            ("include", "function `include` not defined; it is one of Helm's"),
            ("username", "function `username` not defined; a key is written with a dot: `.username`"),
            ("b64ecn", "function `b64ecn` not defined; did you mean `b64enc`?"),
        ] {
            assert_eq!(undefined(name).to_string(), message);
        }
        assert!(undefined("env").to_string().contains("removes it"));
    }
}
