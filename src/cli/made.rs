//! Runs whose file a command makes from its arguments.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::OutputArgs;
use super::run::{RunArgs, Task, carry_out, make_folder};
use crate::definition::Pipeline;
use crate::file;
use crate::outcome::Exit;
use crate::refusal::Result;
use crate::run_key::RunKey;

/// A file in the folder of its run.
pub(super) struct Made {
    /// Where it is.
    pub(super) path: PathBuf,
    folder: PathBuf,
}

impl Made {
    /// Writes it.
    pub(super) fn write(run: &str, output: &OutputArgs, name: &str, text: &[u8]) -> Result<Made> {
        let folder = match &output.out {
            Some(folder) => folder.clone(),
            None => Path::new("muster-runs").join(run),
        };
        make_folder(&folder, output.out.is_none())?;
        let path = folder.join(name);
        file::atomically(&path, |file| file.write(text))?;
        Ok(Made { path, folder })
    }

    /// Carries out a run of it; a run that is refused leaves nothing behind.
    pub(super) fn carry_out(
        self,
        args: &RunArgs,
        pipeline: &Pipeline,
        task: Task,
        started: SystemTime,
        run: RunKey,
    ) -> Result<Exit> {
        carry_out(args, pipeline, task, started, run).inspect_err(|_| self.discard())
    }

    /// Removes it, unless its run came to a summary.
    pub(super) fn discard(&self) {
        if !self.folder.join("summary.json").exists() {
            let _ = std::fs::remove_file(&self.path);
            let _ = std::fs::remove_dir(&self.folder);
        }
    }
}
