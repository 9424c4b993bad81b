//! What happened, in order, with the simulated time: the same for the same seed.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

/// All of it. Clones write the same one.
#[derive(Clone, Default)]
pub(crate) struct Chronicle(Rc<RefCell<Vec<String>>>);

impl Chronicle {
    /// Notes what somebody saw or did now.
    pub(crate) fn note(&self, who: &str, what: impl fmt::Display) {
        let at = turmoil::sim_elapsed().unwrap_or_default().as_millis();
        let line = format!("[{at:>6}] {who}: {what}");
        // A story that ends badly is told as far as it got.
        if std::thread::panicking() {
            println!("{line}");
        }
        self.0.borrow_mut().push(line);
    }
}

impl fmt::Display for Chronicle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.0.borrow().iter() {
            writeln!(f, "{line}")?;
        }
        Ok(())
    }
}
