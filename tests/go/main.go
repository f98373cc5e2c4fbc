// Command go answers, one JSON line each, how Go itself takes an input: a duration, a regular expression, a
// template and what it makes of a key, a cron schedule, a gjson or sjson path, a document. The parity tests compare
// these answers with Keyhatch's.
//
//	{"kind":"duration","input":"1d"}   →   {"ok":false,"error":"time: unknown unit \"d\" in duration \"1d\""}
//	{"kind":"read","parts":["{\"a\":1}","a"]}   →   {"ok":true,"value":"1","raw":"1"}
//	{"kind":"transform","parts":["{{ .value | upper }}","a"]}   →   {"ok":true,"value":"A"}
//
// "go run . record" answers vectors/*.txt, which hold one input a line as a JSON string or several parts as an array of
// them, and writes the answers to vectors/*.golden.jsonl in the same order.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"github.com/Masterminds/sprig/v3"
	"github.com/robfig/cron/v3"
)

type request struct {
	Kind  string   `json:"kind"`
	Input string   `json:"input"`
	Parts []string `json:"parts"`
}

// answer holds what any kind may report; a kind leaves what is not its own empty.
type answer struct {
	OK          bool     `json:"ok"`
	Error       string   `json:"error,omitempty"`
	Nanoseconds int64    `json:"nanoseconds,omitempty"`
	Groups      int      `json:"groups,omitempty"`
	Matches     string   `json:"matches,omitempty"`
	Schedule    string   `json:"schedule,omitempty"`
	Value       string   `json:"value,omitempty"`
	Raw         string   `json:"raw,omitempty"`
	Names       []string `json:"names,omitempty"`
}

func main() {
	err := error(nil)
	if len(os.Args) == 2 && os.Args[1] == "record" {
		err = record()
	} else {
		err = answerAll(os.Stdin, os.Stdout, func(line []byte) (r request, err error) {
			return r, json.Unmarshal(line, &r)
		})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// answerAll answers the requests that parse makes of the lines.
func answerAll(in io.Reader, out io.Writer, parse func([]byte) (request, error)) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 64<<20)
	buffer := bufio.NewWriter(out)
	encoder := json.NewEncoder(buffer)
	encoder.SetEscapeHTML(false)
	for lines.Scan() {
		r, err := parse(lines.Bytes())
		if err != nil {
			return fmt.Errorf("malformed line %q: %w", lines.Text(), err)
		}
		if err := encoder.Encode(reply(r)); err != nil {
			return err
		}
	}
	return errors.Join(lines.Err(), buffer.Flush())
}

func record() error {
	vectors, err := filepath.Glob("vectors/*.txt")
	if err != nil {
		return err
	}
	for _, path := range vectors {
		in, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		kind := strings.TrimSuffix(filepath.Base(path), ".txt")
		var out bytes.Buffer
		err = answerAll(bytes.NewReader(in), &out, func(line []byte) (request, error) {
			r := request{Kind: kind}
			if bytes.HasPrefix(line, []byte("[")) {
				return r, json.Unmarshal(line, &r.Parts)
			}
			return r, json.Unmarshal(line, &r.Input)
		})
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if err := os.WriteFile(strings.TrimSuffix(path, ".txt")+".golden.jsonl", out.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// reply turns a panic into a refusal: cron v3.0.1 panics on "TZ=UTC" without a space. A part that is missing is one too.
func reply(r request) (a answer) {
	defer func() {
		if p := recover(); p != nil {
			a = answer{Error: fmt.Sprintf("panic: %v", p)}
		}
	}()
	switch r.Kind {
	case "duration":
		d, err := time.ParseDuration(r.Input)
		return finish(answer{Nanoseconds: int64(d)}, err)
	case "regexp":
		return matches(r.Input)
	case "template":
		_, err := template.New("t").Funcs(functions()).Parse(r.Input)
		return finish(answer{}, err)
	case "transform":
		return transform(r.Parts[0], r.Parts[1])
	case "cron":
		return schedule(r.Input)
	case "gjson":
		return finish(answer{Value: lookup(r.Input)}, nil)
	case "sjson":
		return write(r.Input)
	case "read", "set", "delete", "extract", "decode":
		return document(r.Kind, r.Parts)
	case "replace":
		return replace(r.Parts)
	case "functions":
		return answer{OK: true, Names: callable()}
	case "classes":
		return answer{OK: true, Names: classes()}
	case "zones":
		return zones()
	}
	return answer{Error: "unknown kind " + r.Kind}
}

func finish(a answer, err error) answer {
	if err != nil {
		return answer{Error: err.Error()}
	}
	a.OK = true
	return a
}

// transform is what External Secrets Operator makes of a key: no option is set, and one that the data lacks is no error.
func transform(text, key string) answer {
	parsed, err := template.New("transform").Funcs(functions()).Parse(text)
	if err != nil {
		return answer{Error: err.Error()}
	}
	var out strings.Builder
	err = parsed.Execute(&out, map[string]string{"value": key})
	return finish(answer{Value: out.String()}, err)
}

// schedule shows the bits of the five fields in hexadecimal, or the delay of an @every.
func schedule(input string) answer {
	parsed, err := cron.ParseStandard(input)
	if err != nil {
		return answer{Error: err.Error()}
	}
	switch s := parsed.(type) {
	case *cron.SpecSchedule:
		bits := fmt.Sprintf("%x %x %x %x %x", s.Minute, s.Hour, s.Dom, s.Month, s.Dow)
		if strings.HasPrefix(input, "TZ=") || strings.HasPrefix(input, "CRON_TZ=") {
			bits += " " + s.Location.String()
		}
		return answer{OK: true, Schedule: bits}
	case cron.ConstantDelaySchedule:
		return answer{OK: true, Schedule: fmt.Sprintf("every %d", s.Delay)}
	}
	return answer{Error: "unknown schedule"}
}

// functions are those of External Secrets Operator's v2 templates, without Go's built-in ones.
func functions() template.FuncMap {
	all := sprig.TxtFuncMap()
	for _, removed := range []string{"env", "expandenv", "getHostByName"} {
		delete(all, removed)
	}
	for _, own := range []string{
		"certSANs", "filterCertChain", "filterPEM", "fromYaml", "fullPemToPkcs12", "fullPemToPkcs12Pass",
		"jwkPrivateKeyPem", "jwkPublicKeyPem", "pemToPkcs12", "pemToPkcs12Pass", "pemTruststoreToPKCS12",
		"pemTruststoreToPKCS12Pass", "pkcs12cert", "pkcs12certPass", "pkcs12key", "pkcs12keyPass", "rsaDecrypt",
		"toYaml",
	} {
		all[own] = func(...any) string { return "" }
	}
	return all
}
