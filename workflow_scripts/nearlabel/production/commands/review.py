"""``nearlabel review``: the latest images in the browser, to confirm and correct."""

import argparse
import logging
import socket
from pathlib import Path

logger = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("--db", required=True, metavar="FILE", help="the watcher's database")
    parser.add_argument(
        "--bundle",
        metavar="FOLDER",
        help="a bundle, or the folder of bundles: for nearest training images, the map, and where an image is novel",
    )
    parser.add_argument(
        "--labels", metavar="FOLDER", default="labels", help="where files of labels are written (default: labels)"
    )
    parser.add_argument(
        "--line", metavar="FOLDER", default="line", help="where labelled images are copied to (default: line)"
    )
    parser.add_argument("--operator", metavar="NAME", default="", help="the name that the page suggests to operators")
    parser.add_argument("--export", action="store_true", help="write the files of labels now, and start no server")
    served = parser.add_argument_group("who may open the page")
    served.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen at; others than this machine's own need a token (default: 127.0.0.1)",
    )
    served.add_argument("--port", type=int, default=8765, help="0: a free one (default: 8765)")
    served.add_argument(
        "--name", action="append", default=[], help="a further name that the page is asked by; may be given again"
    )
    served.add_argument(
        "--token-file", metavar="FILE", help="the token, at least 16 characters; without, one is drawn and printed"
    )
    served.add_argument("--tls-cert", metavar="FILE", help="certificate, PEM: the page is then https")
    served.add_argument("--tls-key", metavar="FILE", help="its key, PEM")


def run(arguments: argparse.Namespace) -> int:
    """Serve the page until the process is told to end, or export."""
    from nearlabel.production.review.connections import Database
    from nearlabel.production.review.words import clean_name

    if bool(arguments.tls_cert) != bool(arguments.tls_key):
        raise ValueError("--tls-cert and --tls-key go together; give both")
    for file in filter(None, (arguments.tls_cert, arguments.tls_key)):
        if not Path(file).is_file():
            raise FileNotFoundError(f"{file}: no such file")
    operator = clean_name("--operator", arguments.operator) if arguments.operator else ""
    database = Database(arguments.db)
    shown = _open_bundle(arguments.bundle) if arguments.bundle else None
    if arguments.export:
        return _export(database, arguments, shown.training if shown else None)
    return _serve(database, arguments, operator, shown)


def _open_bundle(folder: str):
    from nearlabel.production.review.shown import ShownBundle

    return ShownBundle(folder)


def _export(database, arguments: argparse.Namespace, training) -> int:
    from nearlabel.production.review.export import export_words

    known_as = {} if training is None else {"known_as": training.image_id}
    done = export_words(database, arguments.labels, arguments.line, **known_as)
    for problem in done.problems:
        logger.warning("%s", problem)
    for file in done.files:
        print(Path(arguments.labels) / file)
    print(f"{done.rows} labels in {len(done.files)} files; {done.images} images copied to {arguments.line}")
    if done.without_label:
        print(f"{done.without_label} confirmed images have no label; with one, the next run learns from them")
    return 1 if done.problems else 0


def _serve(database, arguments: argparse.Namespace, operator: str, shown) -> int:
    from nearlabel.production.review.server.app import Review
    from nearlabel.production.review.server.guard import grant_access, is_loopback, read_token
    from nearlabel.production.review.server.serving import Server

    tls = arguments.tls_cert is not None
    outside = not is_loopback(arguments.host)
    token, drawn = read_token(arguments.token_file) if outside or arguments.token_file else ("", False)
    try:
        listening = socket.create_server(
            (arguments.host.strip("[]"), arguments.port),
            family=socket.AF_INET6 if ":" in arguments.host else socket.AF_INET,
        )
    except (OSError, OverflowError) as error:
        where = f"{arguments.host}, port {arguments.port}"
        raise OSError(f"cannot listen at {where}: {error}; choose another --port") from error
    port = listening.getsockname()[1]
    access = grant_access(arguments.host, port, arguments.name, token, tls)
    review = Review(database, access, arguments.labels, arguments.line, operator, shown)
    name = socket.gethostname() if arguments.host in ("0.0.0.0", "::", "[::]") else arguments.host
    print(f"review page: http{'s' if tls else ''}://{name}:{port}/{f'#{token}' if drawn else ''}", flush=True)
    if drawn:
        print("what follows # is the token: who has it can read and correct; --token-file keeps it", flush=True)
    if outside and not tls:
        print("the page is not encrypted: whoever is on the way can read the token; see --tls-cert", flush=True)
    try:
        Server(review, arguments.host, port, arguments.tls_cert, arguments.tls_key).run([listening])
    finally:
        database.close()
    return 0
