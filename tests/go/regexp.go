package main

import (
	"fmt"
	"regexp"
	"sort"
	"strings"
	"unicode"
)

// probes are matched against every accepted regular expression. tests/it/go_parity.rs has the same list.
var probes = []string{
	"a", "ab", "abc", "aab", "foo-bar", "A_b9", "K", "\u212a", "\u017f", "k\u00e4se", "\u65e5\u672c", "a\nb", "\t", "\v", " ",
	"12.5", "]", "[", "\\", "&", "-", "~", "{,5}", "a{,5}", "x{2", "<b>", "foo/bar/baz", "prod-db-password", "",
}

// matches shows the leftmost match in each probe as start:end, or "-".
func matches(pattern string) answer {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return answer{Error: err.Error()}
	}
	var found []string
	for _, probe := range probes {
		loc := re.FindStringIndex(probe)
		if loc == nil {
			found = append(found, "-")
			continue
		}
		found = append(found, fmt.Sprintf("%d:%d", loc[0], loc[1]))
	}
	return answer{OK: true, Groups: re.NumSubexp(), Matches: strings.Join(found, " ")}
}

// classes lists the names which Go knows in \p{…}, in lower case without separators, each with the regex
// crate's spelling.
func classes() []string {
	found := map[string]string{"any": "any", "ascii": "ascii", "assigned": "assigned"}
	add := func(name, spelling string) {
		if _, err := regexp.Compile(`\p{` + name + `}`); err == nil {
			found[strings.ToLower(name)] = spelling
		}
	}
	for name := range unicode.Scripts {
		add(name, "sc="+name)
	}
	for name, category := range unicode.CategoryAliases {
		add(strings.ReplaceAll(name, "_", ""), "gc="+category)
	}
	for name := range unicode.Categories {
		add(name, "gc="+name)
	}
	var lines []string
	for name, spelling := range found {
		lines = append(lines, name+" "+spelling)
	}
	sort.Strings(lines)
	return lines
}

// replace shows whether a regular expression matches a text, and the text with its matches replaced.
func replace(parts []string) answer {
	re, err := regexp.Compile(parts[0])
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{OK: re.MatchString(parts[1]), Value: re.ReplaceAllString(parts[1], parts[2])}
}
