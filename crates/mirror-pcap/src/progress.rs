//! A progress bar, for whoever sits at a terminal and waits.

use std::{
    io::{self, IsTerminal},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

use crate::input::Input;

/// What takes no longer than this is not worth a bar.
const PATIENCE: Duration = Duration::from_secs(1);

/// Packets between two looks at the clock.
const TICKS: u32 = 256;

/// Shows how much of the input has been read, once it takes long.
pub(crate) struct Progress {
    started: Instant,
    len: Option<u64>,
    position: Arc<AtomicU64>,
    wanted: bool,
    /// Calls of [`Progress::tick`], most of which do nothing.
    ticks: u32,
    bar: Option<ProgressBar>,
}

impl Progress {
    pub(crate) fn new(input: &Input, quiet: bool) -> Progress {
        Progress {
            started: Instant::now(),
            len: input.len,
            position: Arc::clone(&input.position),
            wanted: !quiet && io::stderr().is_terminal(),
            ticks: 0,
            bar: None,
        }
    }

    /// Show where we are. Meant to be called for every packet.
    #[inline]
    pub(crate) fn tick(&mut self) {
        if self.wanted {
            self.ticks = self.ticks.wrapping_add(1);
            if self.ticks.is_multiple_of(TICKS) {
                self.show();
            }
        }
    }

    #[cold]
    fn show(&mut self) {
        if self.started.elapsed() < PATIENCE {
            return;
        }
        let position = self.position.load(Ordering::Relaxed);
        let bar = self.bar.get_or_insert_with(|| match self.len {
            Some(len) => {
                let template = "{bar:40} {binary_bytes}/{binary_total_bytes} {eta}";
                let style = ProgressStyle::with_template(template);
                ProgressBar::new(len)
                    .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
            }
            None => {
                let style = ProgressStyle::with_template("{spinner} {binary_bytes} {elapsed}");
                ProgressBar::new_spinner()
                    .with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
            }
        });
        bar.set_position(position);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
