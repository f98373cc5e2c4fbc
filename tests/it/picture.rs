//! The README's picture: a terminal with what kubectl really prints, as SVG. `make generate` draws it anew.

use crate::support::webhook;

const FILE: &str = "examples/bad/store-everything-wrong.yaml";
const COLUMNS: usize = 110;
const LINE: usize = 19;

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Breaks a line at spaces, continuation lines indented.
fn wrap(line: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    for word in line.split(' ') {
        let last = out.last_mut().unwrap();
        if last.len() + word.len() + 1 > COLUMNS && !last.trim().is_empty() {
            out.push(format!("    {word}"));
        } else {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    out
}

fn draw(lines: &[(&str, String)]) -> String {
    let height = lines.len() * LINE + 58;
    let width = COLUMNS * 8 + 48;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         role=\"img\" aria-label=\"kubectl apply, refused with every mistake\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"9\" fill=\"#11161d\"/>\n\
         <circle cx=\"22\" cy=\"20\" r=\"6\" fill=\"#ff5f57\"/><circle cx=\"42\" cy=\"20\" r=\"6\" fill=\"#febc2e\"/>\
         <circle cx=\"62\" cy=\"20\" r=\"6\" fill=\"#28c840\"/>\n\
         <g font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, monospace\" font-size=\"13.2\" xml:space=\"preserve\">\n"
    );
    for (index, (colour, text)) in lines.iter().enumerate() {
        let y = 54 + index * LINE;
        svg.push_str(&format!("<text x=\"22\" y=\"{y}\" fill=\"{colour}\">{}</text>\n", escape(text)));
    }
    svg + "</g>\n</svg>\n"
}

#[test]
fn generated_picture_is_current() {
    let cluster = webhook::shared(env!("CARGO_BIN_EXE_keyhatch"));
    let output = cluster.plane.kubectl(&["apply", "--dry-run=server", "-f", FILE]);
    let mut lines = vec![("#e6edf3", format!("$ kubectl apply -f {FILE}"))];
    for line in output.stderr.lines() {
        let colour = if line.starts_with('*') { "#ffb4a9" } else { "#ff7b72" };
        lines.extend(wrap(line.trim_end()).into_iter().map(|line| (colour, line)));
    }
    crate::generated::assert_current("docs/refused.svg", &draw(&lines));
}
