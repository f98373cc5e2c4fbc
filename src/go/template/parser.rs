//! Takes the tokens of a template and checks that Go would parse them, noting what the template reads and writes.
//! The rule is Go's `text/template/parse/parse.go`, function by function and with its look-ahead of three tokens,
//! so that line numbers come out the same; no tree is built.

use super::lexer::Lexer;
use super::noted::{Noted, Place};
use super::token::{Kind, Token};
use super::{Problem, Template, TemplateError, quoted};
use crate::go::excerpt;
use std::collections::{HashMap, HashSet};

/// The deepest nesting of blocks and parentheses together.
const DEPTH: u32 = 200;

/// Checks the text and gives what every run does.
pub(super) fn parse(text: &str) -> Result<Template<'_>, TemplateError> {
    let mut parser = Parser {
        lexer: Lexer::new(text),
        tree: Tree::new(),
        templates: HashMap::new(),
        noted: Noted::new(),
        depth: 0,
    };
    parser.text()?;
    let Parser { noted, templates, .. } = parser;
    Ok(noted.into_template(|name| templates.contains_key(name)))
}

pub(super) struct Parser<'t> {
    pub(super) lexer: Lexer<'t>,
    pub(super) tree: Tree<'t>,
    /// The defined templates, and whether each is empty: an empty one may be defined again.
    templates: HashMap<Vec<u8>, bool>,
    pub(super) noted: Noted<'t>,
    depth: u32,
}

/// What a template and each definition in it have of their own.
pub(super) struct Tree<'t> {
    pub(super) tokens: [Token<'t>; 3],
    pub(super) peeked: usize,
    pub(super) variables: Variables<'t>,
    pub(super) action_line: u32,
    ranges: u32,
}

impl Tree<'_> {
    fn new() -> Self {
        let variables = Variables { names: HashSet::new(), order: Vec::new(), root_is_set: false };
        Self { tokens: [Token::NONE; 3], peeked: 0, variables, action_line: 0, ranges: 0 }
    }
}

/// The variables that can be used, each once: one that is declared again stays until the first declaration ends.
pub(super) struct Variables<'t> {
    names: HashSet<&'t str>,
    order: Vec<&'t str>,
    /// Whether `$` was ever set to something else than the data, in a block that has ended too.
    pub(super) root_is_set: bool,
}

impl<'t> Variables<'t> {
    pub(super) fn declare(&mut self, name: &'t str) {
        self.root_is_set |= name == "$";
        if self.names.insert(name) {
            self.order.push(name);
        }
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        name == "$" || self.names.contains(name)
    }

    fn truncate(&mut self, length: usize) {
        while self.order.len() > length {
            let name = self.order.pop();
            name.map(|name| self.names.remove(name));
        }
    }
}

/// A thing between two actions.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Node {
    /// White space.
    Blank,
    Content,
    Else,
    End,
}

pub(super) type Parsed<T> = Result<T, TemplateError>;

impl<'t> Parser<'t> {
    pub(super) fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth == DEPTH {
            return self.fail(Problem::TooDeep(DEPTH));
        }
        self.depth += 1;
        let parsed = parse(self)?;
        self.depth -= 1;
        Ok(parsed)
    }

    /// The body of a definition.
    fn body(&mut self) -> Parsed<(bool, Node)> {
        let outer = std::mem::replace(&mut self.noted.here, Place::DEFINITION);
        let parsed = self.deeper(Self::list)?;
        self.noted.here = outer;
        Ok(parsed)
    }

    /// What a block depends on.
    fn condition(&mut self, context: &'static str) -> Parsed<()> {
        let outer = std::mem::replace(&mut self.noted.here.is_condition, true);
        self.pipeline(context, Kind::RightDelimiter)?;
        self.noted.here.is_condition = outer;
        Ok(())
    }

    /// The whole text, with its definitions.
    fn text(&mut self) -> Parsed<()> {
        while self.peek().kind != Kind::EndOfText {
            if self.peek().kind == Kind::LeftDelimiter {
                let delimiter = self.next();
                if self.next_non_space().kind == Kind::Define {
                    self.define()?;
                    continue;
                }
                self.back_up_to(&[delimiter]);
            }
            match self.text_or_action()? {
                Node::End => return self.fail(Problem::UnexpectedAction("{{end}}")),
                Node::Else => return self.fail(Problem::UnexpectedAction("{{else}}")),
                Node::Blank | Node::Content => {}
            }
        }
        Ok(())
    }

    fn define(&mut self) -> Parsed<()> {
        const CONTEXT: &str = "define clause";
        let outer = std::mem::replace(&mut self.tree, Tree::new());
        let token = self.next_non_space();
        let name = self.template_name(token, CONTEXT)?;
        self.expect(Kind::RightDelimiter, CONTEXT)?;
        let (empty, end) = self.body()?;
        if end != Node::End {
            return self.fail(Problem::ElseInDefinition);
        }
        self.add(name, empty)?;
        self.tree = outer;
        Ok(())
    }

    /// Adds a definition to those of the text.
    fn add(&mut self, name: Vec<u8>, empty: bool) -> Parsed<()> {
        if !empty && self.templates.get(&name) == Some(&false) {
            let name = excerpt(&String::from_utf8_lossy(&name));
            return self.fail(Problem::DefinedTwice(name));
        }
        if self.templates.get(&name) != Some(&false) {
            self.templates.insert(name, empty);
        }
        Ok(())
    }

    fn template_name(&mut self, token: Token<'_>, context: &'static str) -> Parsed<Vec<u8>> {
        match token.kind {
            Kind::String | Kind::RawString => match quoted::unquote(token.text) {
                Some(name) => Ok(name),
                None => self.fail(Problem::BadString(excerpt(token.text))),
            },
            _ => self.unexpected(token, context),
        }
    }

    /// What stands before the next end or else, and which of the two that is. True when it is only white space.
    fn list(&mut self) -> Parsed<(bool, Node)> {
        let mut empty = true;
        while self.peek_non_space().kind != Kind::EndOfText {
            match self.text_or_action()? {
                Node::Blank => {}
                Node::Content => empty = false,
                node => return Ok((empty, node)),
            }
        }
        self.fail(Problem::UnexpectedEnd)
    }

    fn text_or_action(&mut self) -> Parsed<Node> {
        let token = self.next_non_space();
        match token.kind {
            Kind::Text if token.text.trim().is_empty() => {
                self.noted.text(token.text);
                Ok(Node::Blank)
            }
            Kind::Text => {
                self.noted.text(token.text);
                Ok(Node::Content)
            }
            Kind::LeftDelimiter => {
                self.tree.action_line = token.line;
                let node = self.action()?;
                self.tree.action_line = 0;
                Ok(node)
            }
            _ => self.unexpected(token, "input"),
        }
    }

    fn action(&mut self) -> Parsed<Node> {
        let token = self.next_non_space();
        match token.kind {
            Kind::Block => self.block(),
            Kind::Break => self.leave_range("{{break}}"),
            Kind::Continue => self.leave_range("{{continue}}"),
            Kind::Else => self.otherwise(),
            Kind::End => self.expect(Kind::RightDelimiter, "end").map(|_| Node::End),
            Kind::If | Kind::Range | Kind::With => self.deeper(|p| p.control(token.kind)),
            Kind::Template => self.template(),
            _ => {
                self.back_up();
                self.peek();
                self.pipeline("command", Kind::RightDelimiter)?;
                Ok(Node::Content)
            }
        }
    }

    fn leave_range(&mut self, action: &'static str) -> Parsed<Node> {
        self.expect(Kind::RightDelimiter, action)?;
        if self.tree.ranges == 0 {
            return self.fail(Problem::OutsideRange(action));
        }
        Ok(Node::Content)
    }

    fn otherwise(&mut self) -> Parsed<Node> {
        // `{{else if …}}` leaves the if for the caller.
        if !matches!(self.peek_non_space().kind, Kind::If | Kind::With) {
            self.expect(Kind::RightDelimiter, "else")?;
        }
        Ok(Node::Else)
    }

    /// An if, range or with, up to its end. Go takes `{{else if}}` for an if inside the else; here it is a loop,
    /// so that long chains need no stack.
    fn control(&mut self, kind: Kind) -> Parsed<Node> {
        let (context, is_range) = match kind {
            Kind::If => ("if", false),
            Kind::Range => ("range", true),
            _ => ("with", false),
        };
        let variables = self.tree.variables.order.len();
        let outer = self.noted.here;
        loop {
            self.condition(context)?;
            self.noted.here.is_certain = false;
            self.noted.here.dot_is_data = outer.dot_is_data && kind == Kind::If;
            self.tree.ranges += u32::from(is_range);
            let (_, next) = self.list()?;
            self.tree.ranges -= u32::from(is_range);
            self.noted.here.dot_is_data = outer.dot_is_data;
            if next == Node::End {
                break;
            }
            if !is_range && self.peek().kind == kind {
                self.next();
                continue;
            }
            if self.list()?.1 != Node::End {
                return self.fail(Problem::SecondElse);
            }
            break;
        }
        self.noted.here = outer;
        self.tree.variables.truncate(variables);
        Ok(Node::Content)
    }

    fn block(&mut self) -> Parsed<Node> {
        const CONTEXT: &str = "block clause";
        let token = self.next_non_space();
        let name = self.template_name(token, CONTEXT)?;
        self.pipeline(CONTEXT, Kind::RightDelimiter)?;
        let outer = std::mem::replace(&mut self.tree, Tree::new());
        let (empty, end) = self.body()?;
        if end != Node::End {
            // Unlike for a definition, Go gives the line of the block.
            self.tree = outer;
            return self.fail(Problem::ElseInDefinition);
        }
        self.add(name, empty)?;
        self.tree = outer;
        Ok(Node::Content)
    }

    fn template(&mut self) -> Parsed<Node> {
        const CONTEXT: &str = "template clause";
        let token = self.next_non_space();
        let name = self.template_name(token, CONTEXT)?;
        if self.noted.here.is_certain {
            self.noted.used.push(name);
        }
        if self.next_non_space().kind != Kind::RightDelimiter {
            self.back_up();
            self.pipeline(CONTEXT, Kind::RightDelimiter)?;
        }
        Ok(Node::Content)
    }
}
