"""What is wrong, or odd, with the folders of a watcher, said before it begins."""

import os
from pathlib import Path

# Of `/proc/self/mountinfo`.
_SHARES = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "fuse.sshfs", "fuse.rclone", "glusterfs"}


def refuse_folders(inbox: Path, archive: Path | None, quarantine: Path | None) -> None:
    """Refuse folders that would feed each other.

    Parameters
    ----------
    inbox : Path
    archive, quarantine : Path or None

    Raises
    ------
    ValueError
        One is, or lies around, the inbox; or both are the same.
    """
    inside = os.path.realpath(inbox)
    for option, folder in (("--archive", archive), ("--quarantine", quarantine)):
        if folder is None:
            continue
        around = os.path.realpath(folder)
        if inside == around or inside.startswith(f"{around.rstrip('/')}/"):
            raise ValueError(f"{option} {folder} holds the inbox {inbox}; choose a folder beside it.")
    if archive is not None and quarantine is not None and os.path.realpath(archive) == os.path.realpath(quarantine):
        raise ValueError(f"--archive and --quarantine are both {archive}; choose two folders.")


def make_folders(archive: Path | None, quarantine: Path | None) -> None:
    """Make the folders that files are moved to.

    Raises
    ------
    OSError
        One cannot be made or written.
    """
    for option, folder in (("--archive", archive), ("--quarantine", quarantine)):
        if folder is None:
            continue
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OSError(f"{option} {folder}: cannot be made ({error.strerror}); choose another folder.") from error
        if not os.access(folder, os.W_OK | os.X_OK):
            raise OSError(f"{option} {folder}: cannot be written; correct its permissions.")


def list_oddities(
    inbox: Path, database: Path, archive: Path | None, quarantine: Path | None, settle_s: float
) -> list[str]:
    """Say what is odd, a sentence each, and may be meant so."""
    odd = []
    if share := share_of(database.absolute().parent):
        odd.append(
            f"The database {database} lies on a share ({share}): a disk of this machine is safer, and no other machine "
            "can read it while this one writes."
        )
    if not inbox.is_dir():
        odd.append(f"The inbox {inbox} is no folder, or not there yet.")
    elif (archive or quarantine) and not os.access(inbox, os.W_OK):
        odd.append(f"The inbox {inbox} cannot be written: files cannot be moved out of it.")
    if settle_s == 0:
        odd.append("With --settle-s 0 a file may be taken that is still being written and decodes already.")
    return odd


def share_of(folder: str | Path) -> str:
    """Return the kind of network file system that a folder lies on; empty for a disk, and where it cannot be told."""
    try:
        lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    return _find_share(os.path.realpath(folder), lines)


def _find_share(folder: str, lines: list[str]) -> str:
    """The kind of the deepest mount that a folder is in."""
    deepest, kind = "", ""
    for line in lines:
        before, _, after = line.partition(" - ")
        fields = before.split()
        if len(fields) < 5 or not after:
            continue
        # Spaces and the like are octal.
        mount = fields[4].replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
        within = folder == mount or folder.startswith(f"{mount.rstrip('/')}/")
        # Of two at the same place, the last one is seen.
        if within and len(mount) >= len(deepest):
            deepest, kind = mount, after.split()[0]
    return kind if kind in _SHARES else ""
