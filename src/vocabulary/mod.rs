//! Words as data: what people write, a line a language. What is done with them is in the rooms
//! that read headers and cells.

pub mod closing;
