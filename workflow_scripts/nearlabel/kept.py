"""Results of the last run, kept while jobs make them anew: a job that fails costs none of them.

Snakemake deletes a job's outputs before the job begins, and again when it fails. What is there is given a second name
first, below the run's own folder: a hard link, which takes no room until the new file is written. When the job is done
the second name goes; when it fails, the file gets its own name back.
"""

import os
import shutil
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from nearlabel.files import written_whole

# A folder has no second name: it is moved, and known by this ending, which no result has.
_FOLDER = ".kept-folder"


class KeptResults:
    """Second names of results.

    Parameters
    ----------
    folder : str or Path
        Where they are, on the results' file system; made when it is needed, gone when it is empty.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)

    def keep(self, outputs: Iterable[str]) -> list[str]:
        """Keep what there is of some outputs, before a job deletes it; what is kept already stays.

        Parameters
        ----------
        outputs : iterable of str
            Relative paths of files and folders; those that do not exist are left out.

        Returns
        -------
        list of str
            Those that could not be kept: the file system has no room for a name, or it is another one.
        """
        return [output for output in outputs if os.path.lexists(output) and not self._keep_one(output)]

    def drop(self, outputs: Iterable[str]) -> None:
        """Forget some outputs, which have been made anew."""
        for kept in filter(os.path.lexists, map(self._kept, outputs)):
            _remove(kept)
            _remove_empty(kept.parent, self.folder)

    def put_back(self, leave: Collection[str] = ()) -> list[str]:
        """Give every output its own name back, in place of what a job that did not end has made of it.

        Parameters
        ----------
        leave : collection of str
            Outputs to go on keeping.

        Returns
        -------
        list of str
            What was put back; times of files are as they were. What the disk has no room for stays kept.
        """
        back = []
        for kept, output in list(self._all()):
            if output not in leave and _move_back(kept, output):
                back.append(output)
                _remove_empty(kept.parent, self.folder)
        return sorted(back)

    def _keep_one(self, output: str) -> bool:
        kept, is_folder = self._kept(output), os.path.isdir(output) and not os.path.islink(output)
        if os.path.lexists(kept):
            return True
        kept = kept.with_name(kept.name + _FOLDER) if is_folder else kept
        try:
            kept.parent.mkdir(parents=True, exist_ok=True)
            if is_folder or not _give_second_name(output, kept):
                # The job deletes it anyway. To another file system it is copied.
                shutil.move(output, kept)
        except OSError:
            # Copied in part, if at all: what was to be kept is still there.
            if os.path.lexists(kept) and os.path.lexists(output):
                _remove(kept)
            return False
        return True

    def _kept(self, output: str) -> Path:
        plain = self.folder / output
        folder = plain.with_name(plain.name + _FOLDER)
        return folder if os.path.lexists(folder) else plain

    def _all(self) -> Iterator[tuple[Path, str]]:
        for place, folders, files in os.walk(self.folder):
            own = [name for name in folders if name.endswith(_FOLDER)]
            folders[:] = [name for name in folders if name not in own]
            for name in (*own, *files):
                output = os.path.relpath(os.path.join(place, name.removesuffix(_FOLDER)), self.folder)
                yield Path(place, name), output


def _give_second_name(output: str, kept: Path) -> bool:
    try:
        os.link(output, kept, follow_symlinks=False)
    except OSError:  # exFAT and SMB have one name for each file, and no file has names in two file systems.
        return False
    return True


def _move_back(kept: Path, output: str) -> bool:
    Path(output).parent.mkdir(parents=True, exist_ok=True)
    if kept.is_dir() and os.path.lexists(output):
        _remove(Path(output))
    try:
        os.replace(kept, output)
    except OSError:
        try:
            with written_whole(output) as partial:
                shutil.move(kept, partial)
        except OSError:
            return False
    return True


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _remove_empty(folder: Path, last: Path) -> None:
    while folder.is_dir() and folder.is_relative_to(last) and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
