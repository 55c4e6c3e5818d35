"""How well a clustering is chosen without labels: sets with known classes × encoders × criteria, and data of noise.

Run: ``python tests/benchmarks/choice_study FOLDER --tiles ../magnetic_tile``. What was computed stays in FOLDER, by
set; a second run reads it. Sets: magnetic tiles (``--tiles``), solar cells (``pip install elpv-dataset``), outlines of
animals (``pip install --no-deps animal-mnist``), scikit-learn's digits, scikit-image's faces and textures, drawn steel.
One that is not there is left out, and a sentence says so. Among all encoders' clusterings of a set (the paper's five
algorithms, k = 2 to 30), each criterion chooses one; its adjusted mutual information (AMI) with the classes is held
against the best there was. Writes ``choices.csv``, ``encoders.csv``, ``criteria.csv`` and ``noise.csv`` to FOLDER.
"""

import argparse
import time
from pathlib import Path

import evidence
import pandas as pd
from choices import judge_encoders, judge_set, summarise
from clusterings import encoders_of, set_clusterings, set_features
from evidence import measure_all
from labelled_sets import SETS, MissingSetError, load_set
from noise import count_silent, run_noise
from tables import choices_table, markdown
from threadpoolctl import threadpool_limits

_START = time.perf_counter()


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="choice_study", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="where features, clusterings and tables go")
    parser.add_argument("--tiles", default="../magnetic_tile", help="folder of the magnetic tiles")
    parser.add_argument("--weights", default="imagenet", help="of mobilenet_v2: imagenet, or a file")
    parser.add_argument("--sets", nargs="*", default=list(SETS), choices=list(SETS), metavar="SET")
    parser.add_argument("--stability", action="store_true", help="measure that criterion too, which takes longest")
    parser.add_argument("--noise-runs", type=int, default=100, help="data sets without structure; 0 for none")
    arguments = parser.parse_args()
    evidence.STABILITY = arguments.stability
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with threadpool_limits(1):
        _study(arguments)


def _study(arguments: argparse.Namespace) -> None:
    choices, encoders = [], []
    for name in arguments.sets:
        start = time.perf_counter()
        try:
            found = load_set(name, arguments.tiles)
        except MissingSetError as error:
            _say(f"{name} is left out: {error}.")
            continue
        folder, made = arguments.folder / name, {}
        for encoder in encoders_of(found):
            features = set_features(found, encoder, arguments.weights, folder)
            made[encoder] = set_clusterings(found.labels, encoder, features, folder)
        measured = measure_all(made)
        choices += judge_set(name, found, made, measured)
        encoders += judge_encoders(name, found, made, measured)
        _say(f"{name}: {len(found.images)} images, {time.perf_counter() - start:.0f} s")
    if choices:
        table, by_encoder = pd.DataFrame(choices), pd.DataFrame(encoders)
        summary = summarise(table)
        for frame, file in ((table, "choices"), (by_encoder, "encoders"), (summary, "criteria")):
            frame.to_csv(arguments.folder / f"{file}.csv", index=False)
        for title, frame in (
            ("AMI chosen, by criterion", choices_table(table)),
            ("By encoder: best AMI, and what each criterion would choose of it", by_encoder),
            ("Criteria", summary),
        ):
            print(f"\n**{title}**\n\n{markdown(frame)}\n", flush=True)
    if arguments.noise_runs:
        start = time.perf_counter()
        noise = run_noise(arguments.noise_runs, arguments.folder / "noise", _say)
        noise.to_csv(arguments.folder / "noise.csv", index=False)
        _say(f"noise: {len(noise)} runs, {time.perf_counter() - start:.0f} s")
        print(f"\n**No structure said, on data without any**\n\n{markdown(count_silent(noise))}\n")


def _say(text: str) -> None:
    print(f"[{time.perf_counter() - _START:6.0f} s] {text}", flush=True)


if __name__ == "__main__":
    main()
