//! Finding pipelines: in files, in `./pipelines`, among the shipped ones.

use std::path::{Path, PathBuf};

use crate::definition::{Pipeline, SHIPPED, nearest, parse};
use crate::issue::Code;
use crate::refusal::{Refusal, Result};

/// A pipeline that files can be recognised for.
pub struct Recognizable {
    /// The pipeline.
    pub pipeline: Pipeline,
    /// Whether it lies in `./pipelines`.
    pub is_own: bool,
}

/// Every pipeline with a `[recognize]`: those in `./pipelines` first, then the shipped ones.
///
/// # Errors
/// `pipeline.invalid` for one of `./pipelines` that is wrong and has a `[recognize]`.
pub fn recognizable() -> Result<Vec<Recognizable>> {
    let mut all = Vec::new();
    for path in own() {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        if text.lines().any(|line| line.trim() == "[recognize]") {
            let pipeline = open(Some(&path.display().to_string()))?;
            all.push(Recognizable {
                pipeline,
                is_own: true,
            });
        }
    }
    for (name, text) in SHIPPED {
        let pipeline = Pipeline {
            named: Some(name.to_string()),
            ..parse(&format!("{name}.toml"), text)?
        };
        all.push(Recognizable {
            pipeline,
            is_own: false,
        });
    }
    all.retain(|one| !one.pipeline.definition.recognize.headers.is_empty());
    Ok(all)
}

/// The files of `./pipelines`, by their names.
pub fn own() -> Vec<PathBuf> {
    let entries = std::fs::read_dir("pipelines").into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .collect();
    paths.sort();
    paths
}

/// The names of the pipelines in `./pipelines`, sorted.
pub fn own_names() -> Vec<String> {
    let paths = own().into_iter();
    let stems = paths.filter_map(|path| Some(path.file_stem()?.to_str()?.to_string()));
    stems.collect()
}

/// Reads the pipeline called `name`: a path, the name of a file in `./pipelines`, or a shipped
/// one; the default without a name.
///
/// # Errors
/// `pipeline.not_found` when there is none, `pipeline.invalid` when its text is wrong.
pub fn open(name: Option<&str>) -> Result<Pipeline> {
    let Some(name) = name else {
        return parse("users.toml", SHIPPED[0].1);
    };
    let bare = name.strip_suffix(".toml").unwrap_or(name);
    let candidates: [PathBuf; 2] = [
        PathBuf::from(name),
        Path::new("pipelines").join(format!("{bare}.toml")),
    ];
    for path in &candidates {
        if path.is_file() {
            let text = std::fs::read_to_string(path).map_err(|error| {
                Refusal::new(
                    Code::PipelineNotFound,
                    format!("the pipeline `{}` can't be read: {error}", path.display()),
                )
            })?;
            let named = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            return Ok(Pipeline {
                named: Some(named.display().to_string()),
                ..parse(&path.display().to_string(), &text)?
            });
        }
    }
    if let Some((_, text)) = SHIPPED.iter().find(|(shipped, _)| *shipped == bare) {
        return Ok(Pipeline {
            named: Some(bare.to_string()),
            ..parse(&format!("{bare}.toml"), text)?
        });
    }
    let near = nearest(bare, SHIPPED.iter().map(|(name, _)| *name));
    Err(
        Refusal::new(Code::PipelineNotFound, format!("no pipeline `{name}`")).help(match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "name a file, or one of {}",
                SHIPPED.map(|(name, _)| format!("`{name}`")).join(", ")
            ),
        }),
    )
}

/// The day by this machine's clock and time zone. The stages get it with the pipeline.
pub fn today() -> jiff::civil::Date {
    jiff::Zoned::now().date()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::Recognize;

    #[test]
    fn every_shipped_pipeline_loads_and_has_a_name_of_its_own() {
        for (name, text) in SHIPPED {
            let pipeline = parse(name, text).unwrap_or_else(|refusal| panic!("{refusal}"));
            assert_eq!(pipeline.definition.name, name);
            assert!(!pipeline.definition.description.is_empty());
        }
    }

    #[test]
    fn a_file_is_recognized_by_all_of_its_headers() {
        let text = "name = \"p\"\n[recognize]\nheaders = [\"Badge No.\", [\"Mail\", \"E-Mail\"]]";
        let recognize = parse("p", text).unwrap().definition.recognize;
        let fits = |header: &[&str]| {
            let header: Vec<String> = header.iter().map(ToString::to_string).collect();
            recognize.fits(&header).map(|names| names.join("|"))
        };
        assert_eq!(
            fits(&["x", "badge_no", "E-MAIL"]).as_deref(),
            Some("badge_no|E-MAIL")
        );
        assert_eq!(fits(&["badge no", "x"]), None);
        assert_eq!(Recognize::default().fits(&[]), None);
        let presets = recognizable().unwrap();
        assert_eq!(
            presets.iter().filter(|one| !one.is_own).count(),
            SHIPPED.len() - 4
        );
    }
}
