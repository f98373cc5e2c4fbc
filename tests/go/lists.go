package main

import (
	"archive/zip"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"sort"
	"strings"
	"text/template"
)

// callable lists the functions that a template may call, Go's built-in ones included.
func callable() []string {
	all := functions()
	for _, name := range []string{
		"and", "call", "eq", "ge", "gt", "html", "index", "js", "le", "len", "lt", "ne", "not", "or", "print",
		"printf", "println", "slice", "urlquery",
	} {
		if _, err := template.New("").Parse("{{" + name + "}}"); err == nil {
			all[name] = nil
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// zones lists the time zones of Go's own database.
func zones() answer {
	archive, err := zip.OpenReader(filepath.Join(runtime.GOROOT(), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		return answer{Error: err.Error()}
	}
	defer archive.Close()
	var found []string
	for _, file := range archive.File {
		if !strings.HasSuffix(file.Name, "/") {
			found = append(found, file.Name)
		}
	}
	sort.Strings(found)
	return answer{OK: true, Names: found}
}
