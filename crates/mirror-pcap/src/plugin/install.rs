//! `plugin install` and `plugin uninstall`.
//!
//! Installed is what tshark lists afterwards; whatever is between that and the file is found out
//! before anything is changed, as far as that can be. The very bytes that were judged are written,
//! loaded from their temporary name, and only then get their own.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow};
use mirror_session::file;
use plugin_probe::{Release, Symbols};

use super::{
    FILE, SESSIONS_FILE, candidate, folder, is_privileged, read, refusal,
    seal::{self, Kind},
    shown, tell,
    wireshark::{Wireshark, how_it_ended},
};
use crate::{
    cli, documents,
    failure::{Exit, Failure},
    number::counted,
    output::{Output, Replaces},
};

/// Run `plugin install`.
pub(super) fn install(args: &cli::Install) -> Result<Exit, Failure> {
    let wireshark = Wireshark::find(args.which.tshark.as_deref()).map_err(Failure::usage)?;
    if is_privileged() && !args.system {
        return Err(Failure::usage(anyhow!(
            "as root Wireshark ignores {}, where plugins of one user lie; install as the user who \
             runs Wireshark, or for all users with --system",
            shown(&wireshark.folders.personal())
        )));
    }
    if let Some(problem) = wireshark.untried(args.system) {
        return Err(unsafe_place(problem));
    }
    let source = source(args, wireshark.release)?;
    let problem = |flaw: candidate::Flaw| refusal(&source, flaw);
    let (symbols, bytes) = candidate::ours(&source).map_err(problem)?;
    candidate::fits(&symbols, &wireshark).map_err(problem)?;
    // Documents are wrong more often than folders are: so they are read before anything is written.
    let sessions = sessions(&args.documents, &wireshark)?;

    let (mine, others) = (wireshark.folders.personal(), wireshark.folders.global());
    let (place, other) = if args.system { (others, mine) } else { (mine, others) };
    refuse_a_second(&place, &other)?;
    let target = place.join(FILE);
    let before = replaced(&target)?;
    folder::check(&place).map_err(|problem| unsafe_place(&problem))?;
    folder::make(&place).map_err(|error| Failure::output(shown(&place), error))?;
    put(&target, &bytes, |temporary| {
        candidate::loads(temporary, &wireshark).map_err(|flaw| refusal(&source, flaw))
    })?;
    if let Err(problem) = is_listed(&wireshark, &target) {
        // As it was before: a Wireshark that crashes is worse than one without the plugin.
        match before {
            Some(bytes) => put(&target, &bytes, |_| Ok(()))?,
            None => remove(&target)?,
        }
        return Err(refusal(&source, format_args!("was taken away again: {problem}")));
    }
    let Symbols { version, wants, .. } = &symbols;
    tell(&format!("{}: version {version} for Wireshark {wants} installed", shown(&target)));
    if let Some((path, text, count)) = sessions {
        put(&path, text.as_bytes(), |_| Ok(()))?;
        tell(&format!("{}: {}", shown(&path), counted(count, "session", "sessions")));
    }
    Ok(Exit::Done)
}

/// Run `plugin uninstall`.
pub(super) fn uninstall(args: &cli::Uninstall) -> Result<Exit, Failure> {
    let wireshark = Wireshark::find(args.which.tshark.as_deref()).map_err(Failure::usage)?;
    let place = if args.system { wireshark.folders.global() } else { wireshark.folders.personal() };
    let target = place.join(FILE);
    let is_there = |path: &Path| fs::symlink_metadata(path).is_ok();
    if is_there(&target) {
        // Where others can turn the way, another file may be removed than was looked at.
        folder::check(&place).map_err(|problem| unsafe_place(&problem))?;
    }
    if replaced(&target)?.is_some() {
        remove(&target)?;
        tell(&format!("{}: removed", shown(&target)));
    } else {
        tell(&format!("{}: is not there", shown(&target)));
    }
    let folder = &wireshark.folders.configuration;
    let sessions = folder.join(SESSIONS_FILE);
    if !is_there(&sessions) {
        return Ok(Exit::Done);
    }
    if let Err(problem) = folder::check(folder) {
        tell(&format!("{}: stays, for {problem}", shown(&sessions)));
    } else if read(&sessions).is_ok_and(|bytes| seal::is_intact(&bytes)) {
        remove(&sessions)?;
        tell(&format!("{}: removed", shown(&sessions)));
    } else {
        tell(&format!("{}: stays, it is not as install wrote it", shown(&sessions)));
    }
    Ok(Exit::Done)
}

/// A refusal to touch what others can change.
fn unsafe_place(problem: &folder::Unsafe) -> Failure {
    Failure::usage(anyhow!("{problem}"))
}

/// The file to install.
fn source(args: &cli::Install, release: Release) -> Result<PathBuf, Failure> {
    let within = |folder: &Path| folder.join(release.to_string()).join("epan").join(FILE);
    if let Some(path) = &args.file {
        return Ok(path.clone());
    }
    if let Some(folder) = &args.from {
        let path = within(folder);
        return if path.exists() {
            Ok(path)
        } else {
            Err(refusal(folder, format_args!("has no plugin {}", shown(&within(Path::new(""))))))
        };
    }
    let folders = folders_of_plugins();
    let Some(path) = folders.iter().map(|folder| within(folder)).find(|path| path.exists()) else {
        let looked = folders.iter().map(|folder| shown(&within(folder))).collect::<Vec<_>>();
        return Err(Failure::usage(anyhow!(
            "no plugin for Wireshark {release}: neither {}; make one with scripts/build-plugin, or \
             name the file",
            looked.join(" nor ")
        )));
    };
    // Nobody has named it. It must not be one that someone else has put where we look.
    let path = path.canonicalize().map_err(|error| Failure::input(shown(&path), error))?;
    folder::check_file(&path)
        .map_err(|problem| Failure::usage(anyhow!("{problem}, or name the file to install")))?;
    Ok(path)
}

/// Where scripts/build-plugin puts what it makes: beside the folder of the command, if that was
/// built too, and in the current folder.
fn folders_of_plugins() -> Vec<PathBuf> {
    let program = env::current_exe().ok();
    let built = program.as_deref().and_then(|program| program.ancestors().nth(2));
    let built = built.map(|target| target.join("plugin"));
    let here = env::current_dir().ok().map(|folder| folder.join("target/plugin"));
    let mut folders: Vec<_> = built.into_iter().chain(here).collect();
    folders.dedup();
    folders
}

/// The sessions file to write: its path, its text, and how many sessions it has.
fn sessions(
    args: &cli::Documents,
    wireshark: &Wireshark,
) -> Result<Option<(PathBuf, String, u64)>, Failure> {
    let Some(estate) = documents::load(args, false)? else { return Ok(None) };
    let folder = &wireshark.folders.configuration;
    let path = folder.join(SESSIONS_FILE);
    match read(&path) {
        Ok(bytes) if !seal::is_intact(&bytes) => {
            return Err(refusal(
                &path,
                "is not as install wrote it; move it away, or merge it with mirror-pcap config show",
            ));
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(Failure::input(shown(&path), error));
        }
        _ => {}
    }
    folder::check(folder).map_err(|problem| unsafe_place(&problem))?;
    folder::make(folder).map_err(|error| Failure::output(shown(folder), error))?;
    let text = seal::sealed(&file::write(&estate.picture), Kind::Json);
    Ok(Some((path, text, estate.picture.sessions().len() as u64)))
}

/// Complain if the plugin is installed already in another way: of two Wireshark loads one, and which
/// one that is nobody remembers.
fn refuse_a_second(place: &Path, other: &Path) -> Result<(), Failure> {
    let entries = [place, other].map(|folder| fs::read_dir(folder).into_iter().flatten().flatten());
    for path in entries.into_iter().flatten().map(|entry| entry.path()) {
        let is_library = path.extension().is_some_and(|extension| extension == "so");
        let is_second = path != place.join(FILE) && is_library && candidate::ours(&path).is_ok();
        if is_second || path == other.join(FILE) {
            return Err(refusal(
                &path,
                "is there already, and Wireshark loads one of them only; remove it first",
            ));
        }
    }
    Ok(())
}

/// The bytes of the plugin that is at `target` now, if any. What is not ours is not to be touched.
fn replaced(target: &Path) -> Result<Option<Vec<u8>>, Failure> {
    match fs::symlink_metadata(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::input(shown(target), error)),
        Ok(metadata) if !metadata.is_file() => {
            return Err(refusal(target, "is no regular file, so it is left alone; move it away"));
        }
        Ok(_) => {}
    }
    let (_, bytes) = candidate::ours(target)
        .map_err(|flaw| refusal(target, format_args!("{flaw}; it is left alone, move it away")))?;
    Ok(Some(bytes))
}

/// Write a file that everybody may read, all or nothing, if `judge` has nothing against it.
fn put(
    path: &Path,
    bytes: &[u8],
    judge: impl FnOnce(&Path) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut output = Output::create(Some(path), Replaces::NoCapture("what install writes"))?;
    output.write_whole(bytes)?;
    output.make_public()?;
    judge(output.temporary().unwrap_or(path))?;
    output.commit(true)
}

fn remove(path: &Path) -> Result<(), Failure> {
    fs::remove_file(path).map_err(|error| Failure::output(shown(path), error))
}

/// Make sure that tshark has loaded the plugin.
fn is_listed(wireshark: &Wireshark, target: &Path) -> anyhow::Result<()> {
    let (loaded, said) = wireshark.loaded().context("tshark -G plugins")?;
    if !said.status.success() {
        return Err(anyhow!("with it {}", how_it_ended(&said)));
    }
    let same = |path: &PathBuf| path.canonicalize().ok() == target.canonicalize().ok();
    if !loaded.iter().any(same) {
        return Err(anyhow!("tshark does not load it; mirror-pcap plugin doctor says why"));
    }
    Ok(())
}
