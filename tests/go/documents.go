package main

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"
)

// document reads, writes or decodes a document.
func document(kind string, parts []string) answer {
	bytes := unmask(parts[0])
	switch kind {
	case "read":
		found := gjson.Get(bytes, unmask(parts[1]))
		return answer{OK: found.Exists(), Value: mask(found.String()), Raw: mask(found.Raw)}
	case "set":
		written, err := sjson.Set(bytes, parts[1], unmask(parts[2]))
		return finish(answer{Value: mask(written)}, err)
	case "delete":
		written, err := sjson.Delete(bytes, parts[1])
		return finish(answer{Value: mask(written)}, err)
	case "extract":
		return extract(bytes)
	}
	encoding := base64.StdEncoding
	if parts[1] == "Base64URL" {
		encoding = base64.URLEncoding
	}
	decoded, err := encoding.DecodeString(bytes)
	return finish(answer{Value: mask(string(decoded))}, err)
}

// extract shows keys and values of an object, one behind the other: strings as they read, all else as it is written.
func extract(document string) answer {
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(document), &members); err != nil {
		return answer{Error: "not an object"}
	}
	var found []string
	for _, key := range slices.Sorted(maps.Keys(members)) {
		text := ""
		if json.Unmarshal(members[key], &text) != nil {
			text = string(members[key])
		}
		found = append(found, key, mask(text))
	}
	return answer{OK: true, Names: found}
}

// Bytes that are no UTF-8 stand as U+E000 plus the byte.
const masked = 0xe000

func unmask(text string) string {
	var bytes []byte
	for _, c := range text {
		if c >= masked+0x80 && c <= masked+0xff {
			bytes = append(bytes, byte(c-masked))
		} else {
			bytes = utf8.AppendRune(bytes, c)
		}
	}
	return string(bytes)
}

func mask(text string) string {
	var shown strings.Builder
	for len(text) > 0 {
		c, width := utf8.DecodeRuneInString(text)
		if c == utf8.RuneError && width == 1 {
			c = masked + rune(text[0])
		}
		shown.WriteRune(c)
		text = text[width:]
	}
	return shown.String()
}
