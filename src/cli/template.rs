//! `muster template`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::PipelineArgs;
use crate::cli::terminal::print;
use crate::issue::Code;
use crate::outcome::Exit;
use crate::refusal::{Refusal, Result};
use crate::report::template;

#[derive(Args)]
pub(super) struct TemplateArgs {
    #[command(flatten)]
    pipeline: PipelineArgs,
    /// Format of the file [default: from the extension of --output, or csv]
    #[arg(short, long)]
    format: Option<TemplateFormat>,
    /// The file to write [default: stdout for csv]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub(super) enum TemplateFormat {
    Csv,
    Xlsx,
}

pub(super) fn write_template(args: &TemplateArgs) -> Result<Exit> {
    let definition = crate::pipelines::open(args.pipeline.name.as_deref())?.definition;
    let by_name = args
        .output
        .as_ref()
        .is_some_and(|path| path.extension().is_some_and(|ending| ending == "xlsx"));
    let format = args.format.unwrap_or(if by_name {
        TemplateFormat::Xlsx
    } else {
        TemplateFormat::Csv
    });
    match (format, &args.output) {
        (TemplateFormat::Csv, None) => print(&String::from_utf8_lossy(&template::csv(&definition))),
        (TemplateFormat::Csv, Some(path)) => {
            let text = template::csv(&definition);
            refuse_to_overwrite(path)?;
            crate::file::atomically(path, |file| file.write(&text))?;
        }
        (TemplateFormat::Xlsx, Some(path)) => {
            refuse_to_overwrite(path)?;
            template::xlsx(path, &definition)?;
        }
        (TemplateFormat::Xlsx, None) => {
            let what = "a workbook can't go to the terminal";
            return Err(Refusal::new(Code::UsageInvalid, what).help("name a file with `--output`"));
        }
    }
    eprint!("{}", template::notes(&definition));
    Ok(Exit::Done)
}

pub(super) fn refuse_to_overwrite(path: &Path) -> Result<()> {
    if path.exists() {
        let what = format!("`{}` already exists", path.display());
        return Err(Refusal::new(Code::OutputUnwritable, what)
            .help("name another file, or remove that one"));
    }
    Ok(())
}
