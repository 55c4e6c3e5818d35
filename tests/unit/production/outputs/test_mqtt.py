import json
import sys
import threading
import time

import pytest

from helpers.listeners import MOSQUITTO, broker, closed_port, hanging
from nearlabel.production.outputs import mqtt
from nearlabel.production.outputs.mqtt import Mqtt

MESSAGES = [{"type": "label", "sighting_id": number, "label": "gut – ü"} for number in range(1, 51)]

needs_broker = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")


class Subscriber:
    """Keeps what is published to a topic."""

    def __init__(self, port, topic, count):
        mqtt = pytest.importorskip("paho.mqtt.client")
        self.got, self.all, ready = [], threading.Event(), threading.Event()
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        self.client.on_connect = lambda client, *_: client.subscribe(topic, qos=1)
        self.client.on_subscribe = lambda *_: ready.set()

        def on_message(client, data, message):
            self.got.append((message.qos, json.loads(message.payload)))
            if len(self.got) == count:
                self.all.set()

        self.client.on_message = on_message
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert ready.wait(10)

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


@needs_broker
def test_messages_are_published_and_again_after_the_broker_was_away(tmp_path):
    port = closed_port()
    output = Mqtt(f"mqtt://127.0.0.1:{port}/line/3", timeout=5)
    with pytest.raises(OSError):
        output.send(MESSAGES)
    for _ in range(2):
        with broker(tmp_path, port) as process:
            subscriber = Subscriber(port, "line/#", 50)
            assert output.send(MESSAGES) == 50
            assert subscriber.all.wait(10)
            subscriber.close()
            assert subscriber.got == [(1, message) for message in MESSAGES]
            process.kill()
            process.wait()
            with pytest.raises(OSError):
                output.send(MESSAGES)
                output.send(MESSAGES)
    output.close()


@needs_broker
def test_the_password_may_come_from_the_environment(tmp_path, monkeypatch):
    port = closed_port()
    with broker(tmp_path, port, password="secret"):
        for url in ("line:wrong@", "", "line@"):
            with pytest.raises(OSError, match="the broker refuses"):
                Mqtt(f"mqtt://{url}127.0.0.1:{port}/line", timeout=5).send(MESSAGES)
        output = Mqtt(f"mqtt://line:secret@127.0.0.1:{port}/line", timeout=5)
        assert output.send(MESSAGES) == 50
        output.close()
        monkeypatch.setenv("NEARLABEL_MQTT_PASSWORD", "secret\n")
        output = Mqtt(f"mqtt://line@127.0.0.1:{port}/line", timeout=5)
        assert output.send(MESSAGES) == 50 and "secret" not in output.name
        output.close()


def test_a_broker_that_never_answers_is_an_error_and_nothing_is_kept():
    pytest.importorskip("paho.mqtt.client")
    before = threading.active_count()
    with hanging() as port:
        output = Mqtt(f"mqtt://127.0.0.1:{port}/line", timeout=0.1)
        for _ in range(3):
            with pytest.raises(OSError, match="does not answer"):
                output.send(MESSAGES)
            assert output._client is None
    assert threading.active_count() <= before


@pytest.mark.parametrize("url", ["http://host/a", "mqtt://host", "mqtt://host/", "mqtt:///a", "mqtt://host/a%23", "a"])
def test_other_urls_are_refused(url):
    with pytest.raises(ValueError, match="--mqtt must be like mqtt://host/topic"):
        Mqtt(url)


@pytest.mark.parametrize("url", ["mqtt://line:s3c/ret@host/a", "mqtt://[s3cret/a", "mqtt://host/K\udcfchl"])
def test_what_cannot_be_read_is_not_repeated(url):
    with pytest.raises(ValueError, match="--mqtt is no URL: its host or port cannot be read, or it is no") as raised:
        Mqtt(url)
    assert "s3c" not in str(raised.value)


def test_without_paho_it_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "paho.mqtt.client", None)
    with pytest.raises(ValueError, match=r"pip install 'nearlabel\[mqtt\]'"):
        Mqtt("mqtt://host/a")


def test_ports_and_names():
    pytest.importorskip("paho.mqtt.client")
    assert (
        Mqtt("mqtts://host/a/b").name == "MQTT host:8883/a/b" and Mqtt("mqtt://u:p@host/a").name == "MQTT host:1883/a"
    )
    assert Mqtt("mqtt://u:p@host/a").key == Mqtt("mqtt://host:1883/a").key


class Connected:
    """What a broker's client says, but for messages."""

    left = False

    def is_connected(self):
        return True

    def disconnect(self):
        self.left = True

    def loop_stop(self):
        pass


def test_a_connection_that_ends_while_it_is_waited_for_is_an_error_of_the_broker(monkeypatch):
    """paho then raises a RuntimeError, now and then."""

    class Published:
        def is_published(self):
            raise RuntimeError("Message publish failed: The client is not currently connected.")

    class Client(Connected):
        def publish(self, *args, **options):
            return Published()

    output, client = Mqtt("mqtt://127.0.0.1/line"), Client()
    output._client = client
    with pytest.raises(ConnectionError, match=r"the broker is gone .*not currently connected"):
        output.send(MESSAGES)
    assert client.left and output._client is None


class SlowClient(Connected):
    """A link over which one message goes at a time, and some only."""

    def __init__(self, seconds, at_most=1000):
        self.seconds, self.left_over, self.free = seconds, at_most, 0.0

    def publish(self, topic, content, qos):
        self.free = max(self.free, time.monotonic()) + self.seconds
        self.left_over -= 1
        return SlowMessage(self.free if self.left_over >= 0 else float("inf"))


class SlowMessage:
    def __init__(self, taken):
        self.taken = taken

    def is_published(self):
        return time.monotonic() >= self.taken

    def wait_for_publish(self, seconds):
        time.sleep(min(seconds, 0.005))


def slow(monkeypatch, **options):
    pytest.importorskip("paho.mqtt.client")
    monkeypatch.setattr(mqtt, "_LOOK_S", 0.005)
    output = Mqtt("mqtt://127.0.0.1/line", timeout=0.3)
    output._client = SlowClient(**options)
    return output


def test_over_a_slow_link_there_is_time_for_each_message(monkeypatch):
    assert slow(monkeypatch, seconds=0.02).send(MESSAGES) == 50


def test_what_the_broker_has_taken_counts_when_it_takes_no_more(monkeypatch):
    output = slow(monkeypatch, seconds=0.001, at_most=7)
    client = output._client
    assert output.send(MESSAGES) == 7
    assert client.left and output._client is None
    output._client = SlowClient(0.001, at_most=0)
    with pytest.raises(TimeoutError, match="does not take what is published"):
        output.send(MESSAGES)


def test_what_has_gone_is_told_after_a_while(monkeypatch):
    monkeypatch.setattr(mqtt, "REPORT_S", 0.02)
    output = slow(monkeypatch, seconds=0.01)
    assert 0 < output.send(MESSAGES) < 50
    # And goes on by the same connection.
    assert output._client is not None and not output._client.left
