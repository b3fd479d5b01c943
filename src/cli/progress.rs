//! Progress on a terminal: nothing in the first second, then a line that moves; gone when the work is done.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Printer;
use crate::progress::Progress;

/// Work that is done sooner shows nothing.
const PATIENCE: Duration = Duration::from_secs(1);

/// Draws on stderr when that is a terminal.
pub struct Terminal {
    started: Instant,
    visible: bool,
    stage: Mutex<Option<Stage>>,
}

struct Stage {
    name: String,
    total: Option<u64>,
    bar: Option<ProgressBar>,
}

impl Terminal {
    pub fn new(printer: &Printer) -> Terminal {
        use std::io::IsTerminal;
        let visible = !printer.quiet && !printer.json && std::io::stderr().is_terminal();
        Terminal { started: Instant::now(), visible, stage: Mutex::new(None) }
    }

    /// Removes the line.
    pub fn clear(&self) {
        if let Some(Stage { bar: Some(bar), .. }) = self.lock().take() {
            bar.finish_and_clear();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Stage>> {
        self.stage.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn bar(name: &str, total: Option<u64>) -> ProgressBar {
        let bar = match total {
            Some(total) => ProgressBar::new(total).with_style(
                ProgressStyle::with_template("{msg} [{bar:30}] {percent}% {eta}")
                    .unwrap_or_else(|_| ProgressStyle::default_bar()),
            ),
            None => ProgressBar::new_spinner(),
        };
        bar.set_draw_target(ProgressDrawTarget::stderr());
        bar.set_message(name.to_owned());
        bar
    }
}

impl Progress for Terminal {
    fn start(&self, stage: &str, total: Option<u64>) {
        self.clear();
        *self.lock() = Some(Stage { name: stage.to_owned(), total, bar: None });
        self.at(0);
    }

    fn at(&self, done: u64) {
        if !self.visible || self.started.elapsed() < PATIENCE {
            return;
        }
        if let Some(stage) = self.lock().as_mut() {
            let bar = stage.bar.get_or_insert_with(|| Terminal::bar(&stage.name, stage.total));
            bar.set_position(done);
            bar.tick();
        }
    }

    fn finish(&self, summary: &str) {
        let stage = self.lock().take();
        if let Some(Stage { name, bar: Some(bar), .. }) = stage {
            bar.finish_and_clear();
            eprintln!("{name}: {summary}");
        }
    }
}
