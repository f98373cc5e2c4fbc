//! Takes the text of a template that [`parse`](super::parse) accepts and gives its tree, for those who run it. What is
//! wrong with a template was told before; nothing is checked here.

use super::lexer::Lexer;
use super::token::{Kind, Token};
use super::{number, quoted};

/// What a template consists of. It borrows from the text.
#[derive(Debug)]
pub(super) enum Node<'t> {
    Text(&'t str),
    Action(Pipeline<'t>),
    /// An if, with or range: what it depends on and what it does, more of them for `{{else if}}`, and what is done else.
    Block {
        kind: Block,
        branches: Vec<(Pipeline<'t>, Vec<Self>)>,
        otherwise: Vec<Self>,
    },
    Break,
    Continue,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Block {
    If,
    With,
    Range,
}

/// `$x := .value | upper`.
#[derive(Debug)]
pub(super) struct Pipeline<'t> {
    /// With their dollar signs.
    pub(super) variables: Vec<&'t str>,
    /// Whether the variables are there already.
    pub(super) assigns: bool,
    /// Each a list of operands, the function first.
    pub(super) commands: Vec<Vec<Operand<'t>>>,
}

/// A term and the fields that are taken from it.
#[derive(Debug)]
pub(super) struct Operand<'t> {
    pub(super) term: Term<'t>,
    pub(super) fields: Vec<&'t str>,
}

#[derive(Debug)]
pub(super) enum Term<'t> {
    Dot,
    Nil,
    Bool(bool),
    Number(i64),
    Text(String),
    Variable(&'t str),
    Function(&'t str),
    Pipeline(Pipeline<'t>),
}

/// The tree; None for a template that Go refuses, or that has something for which there is no node.
pub(super) fn build(text: &str) -> Option<Vec<Node<'_>>> {
    let mut lexer = Lexer::new(text);
    let mut tokens = Vec::new();
    loop {
        let token = lexer.next_token();
        match token.kind {
            Kind::EndOfText => break,
            Kind::Error(_) => return None,
            _ => tokens.push(token),
        }
    }
    let mut builder = Builder { tokens: tokens.into_iter().peekable() };
    let (nodes, ending) = builder.list()?;
    (ending == Ending::Text).then_some(nodes)
}

/// What ends a list of nodes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Text,
    End,
    Else,
    /// `{{else if` or `{{else with`, up to there.
    ElseIf,
}

struct Builder<'t> {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token<'t>>>,
}

impl<'t> Builder<'t> {
    /// The kind of the next token that is no space.
    fn peek(&mut self) -> Option<Kind> {
        while self.tokens.next_if(|token| token.kind == Kind::Space).is_some() {}
        self.tokens.peek().map(|token| token.kind)
    }

    fn next(&mut self) -> Option<Token<'t>> {
        self.peek();
        self.tokens.next()
    }

    fn take(&mut self, kind: Kind) -> Option<Token<'t>> {
        self.peek();
        self.tokens.next_if(|token| token.kind == kind)
    }

    fn list(&mut self) -> Option<(Vec<Node<'t>>, Ending)> {
        let mut nodes = Vec::new();
        while let Some(token) = self.next() {
            if token.kind == Kind::Text {
                nodes.push(Node::Text(token.text));
                continue;
            }
            let node = match self.peek()? {
                Kind::End => {
                    self.next();
                    self.take(Kind::RightDelimiter)?;
                    return Some((nodes, Ending::End));
                }
                Kind::Else => {
                    self.next();
                    let is_last = self.take(Kind::RightDelimiter).is_some();
                    return Some((nodes, if is_last { Ending::Else } else { Ending::ElseIf }));
                }
                Kind::If => self.block(Block::If)?,
                Kind::With => self.block(Block::With)?,
                Kind::Range => self.block(Block::Range)?,
                Kind::Break => self.leave(Node::Break)?,
                Kind::Continue => self.leave(Node::Continue)?,
                _ => Node::Action(self.pipeline(Kind::RightDelimiter)?),
            };
            nodes.push(node);
        }
        Some((nodes, Ending::Text))
    }

    fn leave(&mut self, node: Node<'t>) -> Option<Node<'t>> {
        self.next();
        self.take(Kind::RightDelimiter).map(|_| node)
    }

    fn block(&mut self, kind: Block) -> Option<Node<'t>> {
        let (mut branches, mut otherwise) = (Vec::new(), Vec::new());
        loop {
            self.next(); // the keyword
            let condition = self.pipeline(Kind::RightDelimiter)?;
            let (nodes, ending) = self.list()?;
            branches.push((condition, nodes));
            match ending {
                Ending::ElseIf => continue,
                Ending::Else => otherwise = self.list()?.0,
                Ending::End => {}
                Ending::Text => return None,
            }
            return Some(Node::Block { kind, branches, otherwise });
        }
    }

    fn pipeline(&mut self, end: Kind) -> Option<Pipeline<'t>> {
        let mut first = Vec::new();
        let (mut variables, mut assigns) = (Vec::new(), false);
        // A variable in front is one that is declared if a comma or an operator follows.
        while let Some(variable) = self.take(Kind::Variable) {
            let is_adjacent_field = self.tokens.peek().is_some_and(|token| token.kind == Kind::Field);
            let next = if is_adjacent_field { Kind::Field } else { self.peek()? };
            if !matches!(next, Kind::Char | Kind::Assign | Kind::Declare) {
                first.push(self.operand(Term::Variable(variable.text), is_adjacent_field));
                break;
            }
            variables.push(variable.text);
            self.next();
            assigns = next == Kind::Assign;
            if next != Kind::Char {
                break;
            }
        }
        let mut commands = vec![self.command(first, end)?];
        while self.take(end).is_none() {
            self.take(Kind::Pipe)?;
            // Go lets a pipe lead nowhere.
            if self.peek()? != end {
                commands.push(self.command(Vec::new(), end)?);
            }
        }
        Some(Pipeline { variables, assigns, commands })
    }

    fn command(&mut self, mut operands: Vec<Operand<'t>>, end: Kind) -> Option<Vec<Operand<'t>>> {
        loop {
            let kind = self.peek()?;
            if kind == Kind::Pipe || kind == end {
                return (!operands.is_empty()).then_some(operands);
            }
            let token = self.next()?;
            let text = token.text;
            let term = match kind {
                Kind::Dot => Term::Dot,
                Kind::Nil => Term::Nil,
                Kind::Bool => Term::Bool(text == "true"),
                Kind::Number => Term::Number(number::integer(text)?),
                Kind::String | Kind::RawString => Term::Text(String::from_utf8(quoted::unquote(text)?).ok()?),
                Kind::Variable => Term::Variable(text),
                Kind::Identifier => Term::Function(text),
                Kind::LeftParen => Term::Pipeline(self.pipeline(Kind::RightParen)?),
                Kind::Field => {
                    let mut operand = self.operand(Term::Dot, true);
                    operand.fields.insert(0, text.strip_prefix('.')?);
                    operands.push(operand);
                    continue;
                }
                _ => return None,
            };
            let operand = self.operand(term, true);
            operands.push(operand);
        }
    }

    /// The term with the fields that follow without a space.
    fn operand(&mut self, term: Term<'t>, may_have_fields: bool) -> Operand<'t> {
        let mut fields = Vec::new();
        while may_have_fields && let Some(field) = self.tokens.next_if(|token| token.kind == Kind::Field) {
            fields.extend(field.text.strip_prefix('.'));
        }
        Operand { term, fields }
    }
}
