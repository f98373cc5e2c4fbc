//! Hostile texts: pieces of each little language that stands in a manifest, put together at random.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use super::random::Random;

/// The pieces of each language, separated by spaces; `␣` stands for a space.
const LANGUAGES: [&str; 8] = [
    r#"( ) [ ] { } * + ? | ^ $ . \ (?i) (?P<a> (?: (?= (?< [^ [[:alpha:]] \p{Greek} \pN \Q \E \x{10FFFF} \b {1000} {2,}
       {1,1001} a-z a é \C \1 (?U) -"#,
    r#"{{ }} {{- -}} ␣ . .a $ $x := = | ( ) if␣ else end range␣ with␣ define␣"x" template␣"x" block␣ break continue /* */
       " ` 'a' 0x1p-2 1_000 1e9 printf␣ b64enc toYaml index␣.␣ nil , x"#,
    "* ␣ / - , 0 59 60 7 ? @every␣ @daily 1h MON jan TZ= CRON_TZ= Europe/Berlin␣ L */0 5-1 99999999999999999999",
    "1 h m s ms us µs ns - + . 0 9223372036854775807 d ␣ 1.5 e3",
    r#"a . | # #( ) == % ! * ? \ @this @pretty: { } [ ] , " 0 .. ~true : -1"#,
    "arn: aws aws-cn : iam secretsmanager kms eu-central-1 us-esat-1 123456789012 1234 role/ secret: key/ alias/ -AbCdEf \
     * / ␣ sts assumed-role/x/y é",
    "aws team-a prod/db a - . _ / A ! = @ example.com/x 0 é key kubernetes.io/ eu-central-1a namespace",
    r#"aws:: cluster/ team prod/db ?version= uuid/ AWSPREVIOUS &metadata=tags &decode=base64 #a.b keyhatch: $(A) : { } [ ] ,
       ␣ ' " | \n {a:␣'aws::a'} app other [/app] true false auto init sidecar 5m 0 /secrets /etc / .. 0400 0777 skip fail
       exec kubelet keyhatch keyhatch-agent"#,
];

/// Characters and words that are special somewhere.
const ODD: [&str; 25] = [
    "\u{0}",
    "\u{7f}",
    "\u{feff}",
    "\u{202e}",
    "\u{1f600}",
    "é",
    "e\u{301}",
    "\u{fffd}",
    "\u{10ffff}",
    "\"",
    "\\",
    "\r\n",
    "\t",
    "</script>",
    "${x}",
    "%s%n",
    "../..",
    "null",
    "true",
    "NaN",
    "\u{2028}",
    "ß",
    "İ",
    "ſ",
    " ",
];

/// The longest text that is not one of the rare very long ones, in bytes.
const USUAL: usize = 300;

/// Texts that Go was asked about, a JSON string a line.
static VECTORS: LazyLock<Vec<Vec<String>>> = LazyLock::new(|| {
    ["regexp", "template", "cron", "duration", "gjson", "functions"].map(vectors).into_iter().collect()
});

fn vectors(name: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/go/vectors/{name}.txt"));
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// A text for a field of this name.
pub(crate) fn text(field: &str, random: &mut Random) -> String {
    let language = if random.percent(70) { language_of(field) } else { random.below(PIECES.len()) };
    match random.below(100) {
        0..25 => vector(language, random),
        25..90 => assembled(language, USUAL, random),
        90..98 => nested(language, random),
        _ => assembled(language, long(random), random),
    }
}

/// Very long ones are rare: most of the time would be spent on them.
fn long(random: &mut Random) -> usize {
    match random.below(400) {
        0 => 2 << 20,
        1..20 => 64 << 10,
        _ => 4 << 10,
    }
}

fn language_of(field: &str) -> usize {
    match field {
        "regexp" | "source" | "namespaceRegexes" | "conversionStrategy" => 0,
        "data" | "template" | "templateFrom" | "literal" | "remoteKey" | "target" => 1,
        "schedule" | "timeZone" => 2,
        "refreshInterval" | "refreshTime" | "duration" | "retryInterval" | "updatePolicy" => 3,
        "property" => 4,
        "role" | "additionalRoles" | "kmsKeyID" | "region" | "externalID" => 5,
        "secretKey" | "name" | "namespace" | "key" | "prefix" | "path" | "matchLabels" => 6,
        "value" | "command" | "args" | "mountPath" => 7,
        _ if field.starts_with("keyhatch.dev/") => 7,
        _ => 8,
    }
}

/// Whether a field of this name holds one of the languages.
pub(crate) fn is_known(field: &str) -> bool {
    language_of(field) < LANGUAGES.len()
}

static PIECES: LazyLock<Vec<Vec<String>>> = LazyLock::new(|| {
    let mut lists: Vec<Vec<String>> = LANGUAGES
        .map(|pieces| pieces.split_whitespace().map(|piece| piece.replace('␣', " ")).collect())
        .into_iter()
        .collect();
    lists.push(ODD.map(String::from).into());
    lists
});

fn vector(language: usize, random: &mut Random) -> String {
    let lists = &*VECTORS;
    let list = lists.get(language).or_else(|| lists.last()).filter(|list| !list.is_empty());
    list.map(|list| list[random.below(list.len())].clone()).unwrap_or_default()
}

fn assembled(language: usize, limit: usize, random: &mut Random) -> String {
    let count = 1 + random.below(if limit > USUAL { usize::MAX } else { 12 });
    let mut out = String::new();
    for _ in 0..count {
        let from = if random.once_in(12) { PIECES.last() } else { PIECES.get(language) };
        let from = from.expect("a list for each language");
        out.push_str(&from[random.below(from.len())]);
        if out.len() >= limit {
            break;
        }
    }
    out
}

/// One or two pieces, again and again: brackets without end, alternatives without number.
fn nested(language: usize, random: &mut Random) -> String {
    let unit = assembled(language, 8, random);
    let limit = if random.once_in(20) { 5_000 } else { 200 };
    let mut out = unit.repeat(1 + random.below(limit));
    if random.percent(30) {
        let end = assembled(language, 8, random);
        out.push_str(&end.repeat(1 + random.below(200)));
    }
    out
}
