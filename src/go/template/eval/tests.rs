//! What templates make of keys, compared with what Go made of them, and what is refused.

use super::*;
