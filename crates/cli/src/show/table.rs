//! Tables.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{Colour, Screen, line};

/// Between two columns.
const GAP: &str = "  ";
/// The last column is not made narrower than this.
const NARROWEST: usize = 10;

/// A table with a head. The last column is cut where the screen is too narrow.
#[derive(Debug)]
pub(crate) struct Table<const N: usize> {
    rows: Vec<[(String, Colour); N]>,
}

impl<const N: usize> Table<N> {
    pub(crate) fn new(head: [&str; N]) -> Self {
        Self {
            rows: vec![head.map(|cell| (cell.to_owned(), Colour::Head))],
        }
    }

    /// Adds a row without colours.
    pub(crate) fn add(&mut self, cells: [&str; N]) {
        self.add_painted(cells.map(|cell| (cell, Colour::None)));
    }

    pub(crate) fn add_painted(&mut self, cells: [(&str, Colour); N]) {
        let cells = cells.map(|(cell, colour)| match cell {
            "" => ("-".to_owned(), Colour::None),
            cell => (line(cell).into_owned(), colour),
        });
        self.rows.push(cells);
    }

    /// The lines, without the end of the last one.
    pub(crate) fn render(&self, screen: Screen) -> String {
        let mut widths = [0; N];
        for row in &self.rows {
            for (width, (cell, _)) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        if let (Some(screen), Some((last, others))) = (screen.width, widths.split_last_mut()) {
            let taken: usize = others.iter().map(|width| width + GAP.len()).sum();
            *last = (*last).min(screen.saturating_sub(taken).max(NARROWEST));
        }
        let lines = self.rows.iter().map(|row| self::row(row, &widths, screen));
        lines.collect::<Vec<_>>().join("\n")
    }
}

fn row<const N: usize>(cells: &[(String, Colour); N], widths: &[usize; N], screen: Screen) -> String {
    let mut out = String::new();
    for (place, ((cell, colour), width)) in cells.iter().zip(widths).enumerate() {
        let cell = clipped(cell, *width);
        out.push_str(&screen.paint(*colour, &cell));
        if place + 1 < N {
            out.push_str(&" ".repeat(width - cell.width().min(*width)));
            out.push_str(GAP);
        }
    }
    out
}

/// At most so much of a text.
fn clipped(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut taken = 1;
    for letter in text.chars() {
        taken += letter.width().unwrap_or_default();
        if taken > width {
            break;
        }
        out.push(letter);
    }
    out.push('…');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table<3> {
        let mut table = Table::new(["NAME", "STATE", "ABOUT"]);
        table.add_painted([
            ("a", Colour::None),
            ("Ready", Colour::Good),
            ("says things\nat length", Colour::None),
        ]);
        table.add(["世界", "", "x"]);
        table
    }

    #[test]
    fn columns_are_aligned() {
        let plain = Screen {
            width: None,
            colours: false,
            terminal: false,
        };
        let expected = "NAME  STATE  ABOUT\na     Ready  says things\\nat length\n世界  -      x";
        assert_eq!(table().render(plain), expected);
    }

    #[test]
    fn the_last_one_is_cut_and_colours_take_no_room() {
        let narrow = Screen {
            width: Some(24),
            colours: true,
            terminal: true,
        };
        let shown = table().render(narrow);
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[1], "a     \x1b[32mReady\x1b[0m  says thing…");
        assert_eq!(lines[0], "\x1b[1mNAME\x1b[0m  \x1b[1mSTATE\x1b[0m  \x1b[1mABOUT\x1b[0m");
        assert_eq!(clipped("世界世界", 6), "世界…");
    }
}
