package main

import (
	"encoding/json"
	"strings"

	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"
)

// lookup reads path from a document in which the property exists under its literal name, next to decoys that
// only a query finds. It shows "hit" when the literal property answers.
func lookup(path string) string {
	document, decoy := `"hit"`, `"decoy"`
	keys := split(path)
	for i := len(keys) - 1; i >= 0; i-- {
		var member string
		if similar := strings.NewReplacer("*", "x", "?", "x").Replace(keys[i]); similar != keys[i] {
			member = quote(similar) + ":" + decoy + ","
		}
		document = "{" + member + quote(keys[i]) + ":" + document + "}"
		decoy = "{" + quote(keys[i]) + ":" + decoy + "}"
	}
	return gjson.Get(document, path).String()
}

// split takes a path apart at its dots, as somebody means it who knows of no other metacharacter.
func split(path string) []string {
	keys := []string{""}
	for i := 0; i < len(path); i++ {
		switch {
		case path[i] == '\\' && i+1 < len(path):
			i++
			keys[len(keys)-1] += path[i : i+1]
		case path[i] == '.':
			keys = append(keys, "")
		default:
			keys[len(keys)-1] += path[i : i+1]
		}
	}
	return keys
}

func quote(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(quoted)
}

// write shows the document of a new secret after one write.
func write(path string) answer {
	document, err := sjson.Set("", path, "v")
	return finish(answer{Value: document}, err)
}
