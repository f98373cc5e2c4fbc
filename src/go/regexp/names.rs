//! Takes the name in `\p{name}` and gives the regex crate's spelling of the same class. The names are those of
//! Go 1.26; the parity tests compare the list with Go's own.

/// The regex crate's spelling of a class, for between the braces of `\p{}`. Like Go it ignores case, spaces,
/// hyphens and underscores.
pub(super) fn find(name: &str) -> Option<&'static str> {
    let canonical =
        || name.bytes().filter(|b| !matches!(b, b' ' | b'-' | b'_')).map(|b| b.to_ascii_lowercase());
    let at = CLASSES.binary_search_by(|(known, _)| known.bytes().cmp(canonical())).ok()?;
    CLASSES.get(at).map(|(_, spelling)| *spelling)
}

/// Go's name in lower case without separators, and the regex crate's, sorted. Go has no script whose name is of
/// several words: it drops the underscores from the name it looks for, and not from those it knows.
pub(super) const CLASSES: &[(&str, &str)] = &[
    ("adlam", "sc=Adlam"),
    ("ahom", "sc=Ahom"),
    ("any", "any"),
    ("arabic", "sc=Arabic"),
    ("armenian", "sc=Armenian"),
    ("ascii", "ascii"),
    ("assigned", "assigned"),
    ("avestan", "sc=Avestan"),
    ("balinese", "sc=Balinese"),
    ("bamum", "sc=Bamum"),
    ("batak", "sc=Batak"),
    ("bengali", "sc=Bengali"),
    ("bhaiksuki", "sc=Bhaiksuki"),
    ("bopomofo", "sc=Bopomofo"),
    ("brahmi", "sc=Brahmi"),
    ("braille", "sc=Braille"),
    ("buginese", "sc=Buginese"),
    ("buhid", "sc=Buhid"),
    ("c", "gc=C"),
    ("carian", "sc=Carian"),
    ("casedletter", "gc=LC"),
    ("cc", "gc=Cc"),
    ("cf", "gc=Cf"),
    ("chakma", "sc=Chakma"),
    ("cham", "sc=Cham"),
    ("cherokee", "sc=Cherokee"),
    ("chorasmian", "sc=Chorasmian"),
    ("closepunctuation", "gc=Pe"),
    ("cn", "gc=Cn"),
    ("cntrl", "gc=Cc"),
    ("co", "gc=Co"),
    ("combiningmark", "gc=M"),
    ("common", "sc=Common"),
    ("connectorpunctuation", "gc=Pc"),
    ("control", "gc=Cc"),
    ("coptic", "sc=Coptic"),
    ("cs", "gc=Cs"),
    ("cuneiform", "sc=Cuneiform"),
    ("currencysymbol", "gc=Sc"),
    ("cypriot", "sc=Cypriot"),
    ("cyrillic", "sc=Cyrillic"),
    ("dashpunctuation", "gc=Pd"),
    ("decimalnumber", "gc=Nd"),
    ("deseret", "sc=Deseret"),
    ("devanagari", "sc=Devanagari"),
    ("digit", "gc=Nd"),
    ("dogra", "sc=Dogra"),
    ("duployan", "sc=Duployan"),
    ("elbasan", "sc=Elbasan"),
    ("elymaic", "sc=Elymaic"),
    ("enclosingmark", "gc=Me"),
    ("ethiopic", "sc=Ethiopic"),
    ("finalpunctuation", "gc=Pf"),
    ("format", "gc=Cf"),
    ("georgian", "sc=Georgian"),
    ("glagolitic", "sc=Glagolitic"),
    ("gothic", "sc=Gothic"),
    ("grantha", "sc=Grantha"),
    ("greek", "sc=Greek"),
    ("gujarati", "sc=Gujarati"),
    ("gurmukhi", "sc=Gurmukhi"),
    ("han", "sc=Han"),
    ("hangul", "sc=Hangul"),
    ("hanunoo", "sc=Hanunoo"),
    ("hatran", "sc=Hatran"),
    ("hebrew", "sc=Hebrew"),
    ("hiragana", "sc=Hiragana"),
    ("inherited", "sc=Inherited"),
    ("initialpunctuation", "gc=Pi"),
    ("javanese", "sc=Javanese"),
    ("kaithi", "sc=Kaithi"),
    ("kannada", "sc=Kannada"),
    ("katakana", "sc=Katakana"),
    ("kawi", "sc=Kawi"),
    ("kharoshthi", "sc=Kharoshthi"),
    ("khmer", "sc=Khmer"),
    ("khojki", "sc=Khojki"),
    ("khudawadi", "sc=Khudawadi"),
    ("l", "gc=L"),
    ("lao", "sc=Lao"),
    ("latin", "sc=Latin"),
    ("lc", "gc=LC"),
    ("lepcha", "sc=Lepcha"),
    ("letter", "gc=L"),
    ("letternumber", "gc=Nl"),
    ("limbu", "sc=Limbu"),
    ("lineseparator", "gc=Zl"),
    ("lisu", "sc=Lisu"),
    ("ll", "gc=Ll"),
    ("lm", "gc=Lm"),
    ("lo", "gc=Lo"),
    ("lowercaseletter", "gc=Ll"),
    ("lt", "gc=Lt"),
    ("lu", "gc=Lu"),
    ("lycian", "sc=Lycian"),
    ("lydian", "sc=Lydian"),
    ("m", "gc=M"),
    ("mahajani", "sc=Mahajani"),
    ("makasar", "sc=Makasar"),
    ("malayalam", "sc=Malayalam"),
    ("mandaic", "sc=Mandaic"),
    ("manichaean", "sc=Manichaean"),
    ("marchen", "sc=Marchen"),
    ("mark", "gc=M"),
    ("mathsymbol", "gc=Sm"),
    ("mc", "gc=Mc"),
    ("me", "gc=Me"),
    ("medefaidrin", "sc=Medefaidrin"),
    ("miao", "sc=Miao"),
    ("mn", "gc=Mn"),
    ("modi", "sc=Modi"),
    ("modifierletter", "gc=Lm"),
    ("modifiersymbol", "gc=Sk"),
    ("mongolian", "sc=Mongolian"),
    ("mro", "sc=Mro"),
    ("multani", "sc=Multani"),
    ("myanmar", "sc=Myanmar"),
    ("n", "gc=N"),
    ("nabataean", "sc=Nabataean"),
    ("nandinagari", "sc=Nandinagari"),
    ("nd", "gc=Nd"),
    ("newa", "sc=Newa"),
    ("nko", "sc=Nko"),
    ("nl", "gc=Nl"),
    ("no", "gc=No"),
    ("nonspacingmark", "gc=Mn"),
    ("number", "gc=N"),
    ("nushu", "sc=Nushu"),
    ("ogham", "sc=Ogham"),
    ("openpunctuation", "gc=Ps"),
    ("oriya", "sc=Oriya"),
    ("osage", "sc=Osage"),
    ("osmanya", "sc=Osmanya"),
    ("other", "gc=C"),
    ("otherletter", "gc=Lo"),
    ("othernumber", "gc=No"),
    ("otherpunctuation", "gc=Po"),
    ("othersymbol", "gc=So"),
    ("p", "gc=P"),
    ("palmyrene", "sc=Palmyrene"),
    ("paragraphseparator", "gc=Zp"),
    ("pc", "gc=Pc"),
    ("pd", "gc=Pd"),
    ("pe", "gc=Pe"),
    ("pf", "gc=Pf"),
    ("phoenician", "sc=Phoenician"),
    ("pi", "gc=Pi"),
    ("po", "gc=Po"),
    ("privateuse", "gc=Co"),
    ("ps", "gc=Ps"),
    ("punct", "gc=P"),
    ("punctuation", "gc=P"),
    ("rejang", "sc=Rejang"),
    ("runic", "sc=Runic"),
    ("s", "gc=S"),
    ("samaritan", "sc=Samaritan"),
    ("saurashtra", "sc=Saurashtra"),
    ("sc", "gc=Sc"),
    ("separator", "gc=Z"),
    ("sharada", "sc=Sharada"),
    ("shavian", "sc=Shavian"),
    ("siddham", "sc=Siddham"),
    ("sinhala", "sc=Sinhala"),
    ("sk", "gc=Sk"),
    ("sm", "gc=Sm"),
    ("so", "gc=So"),
    ("sogdian", "sc=Sogdian"),
    ("soyombo", "sc=Soyombo"),
    ("spaceseparator", "gc=Zs"),
    ("spacingmark", "gc=Mc"),
    ("sundanese", "sc=Sundanese"),
    ("surrogate", "gc=Cs"),
    ("symbol", "gc=S"),
    ("syriac", "sc=Syriac"),
    ("tagalog", "sc=Tagalog"),
    ("tagbanwa", "sc=Tagbanwa"),
    ("takri", "sc=Takri"),
    ("tamil", "sc=Tamil"),
    ("tangsa", "sc=Tangsa"),
    ("tangut", "sc=Tangut"),
    ("telugu", "sc=Telugu"),
    ("thaana", "sc=Thaana"),
    ("thai", "sc=Thai"),
    ("tibetan", "sc=Tibetan"),
    ("tifinagh", "sc=Tifinagh"),
    ("tirhuta", "sc=Tirhuta"),
    ("titlecaseletter", "gc=Lt"),
    ("toto", "sc=Toto"),
    ("ugaritic", "sc=Ugaritic"),
    ("unassigned", "gc=Cn"),
    ("uppercaseletter", "gc=Lu"),
    ("vai", "sc=Vai"),
    ("vithkuqi", "sc=Vithkuqi"),
    ("wancho", "sc=Wancho"),
    ("yezidi", "sc=Yezidi"),
    ("yi", "sc=Yi"),
    ("z", "gc=Z"),
    ("zl", "gc=Zl"),
    ("zp", "gc=Zp"),
    ("zs", "gc=Zs"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_that_of_go() {
        let recorded = include_str!("../../../tests/go/vectors/classes.golden.jsonl");
        let answer: serde_json::Value = serde_json::from_str(recorded).unwrap();
        let lines: Vec<_> = CLASSES.iter().map(|(name, spelling)| format!("{name} {spelling}")).collect();
        assert_eq!(answer["names"], serde_json::json!(lines));
    }

    #[test]
    fn names_are_sorted_and_found() {
        assert!(CLASSES.is_sorted_by(|a, b| a.0 < b.0));
        for (name, spelling) in CLASSES {
            assert_eq!(find(name), Some(*spelling));
        }
        assert_eq!(find("L_u"), Some("gc=Lu"));
        assert_eq!(find("Lowercase Letter"), Some("gc=Ll"));
        assert_eq!(find("Old_Italic"), None);
        assert_eq!(find(""), None);
    }

    #[test]
    fn the_regex_crate_knows_every_class() {
        for (name, spelling) in CLASSES {
            // No text has surrogates: the crate has no class for them.
            if *spelling != "gc=Cs" {
                let class = format!(r"\p{{{spelling}}}");
                assert!(regex_syntax::Parser::new().parse(&class).is_ok(), "{name}: {class}");
            }
        }
    }
}
