from types import SimpleNamespace

from nearlabel.production.watch.speed import Speed


def test_a_line_every_so_often_and_none_without_images():
    now = [0.0]
    speed = Speed(60, lambda: now[0])
    assert speed.tell(0) == ""
    now[0] = 61
    assert speed.tell(0) == ""
    speed.add([1.0, 2.0, 3.0])
    now[0] = 100
    assert speed.tell(7) == ""
    now[0] = 121
    seconds = SimpleNamespace(decode=0.3, encode=0.6, rest=0.03, images=3)
    assert speed.tell(7, lambda: seconds) == (
        "3 images in 60 s, 0.1 a second; ready to recorded: 2.00 s in the middle, 2.90 s for the slowest 5 %; "
        "7 waiting; an image: 100 ms decoding, 200 ms encoding, 10 ms the rest"
    )
    assert speed.tell(0, now=True) == ""
    speed.add([1.0])
    now[0] = 131
    assert speed.tell(0, now=True).startswith("1 images in 10 s, 0.1 a second")
    assert speed.images == 4


def test_no_lines_when_none_are_asked_for():
    now = [0.0]
    speed = Speed(0, lambda: now[0])
    speed.add([1.0])
    now[0] = 1e6
    assert speed.tell(0) == ""
