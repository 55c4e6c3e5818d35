"""MQTT: each label and event is published, with quality of service 1: at least once."""

import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from nearlabel.production.outputs.sending import REPORT_S, Cursor, key_of

TIMEOUT_S = 10.0
"""Seconds in which the broker must connect, and then take each message."""

# Messages on their way at a time: over a slow link even these take long, and are sent again after a kill.
_ON_THE_WAY = 5

# Between looks at whether the connection is still there.
_LOOK_S = 0.2

PASSWORD = "NEARLABEL_MQTT_PASSWORD"
"""Environment variable: the password, so that no list of processes shows it."""


class Mqtt:
    """Publishes messages to a topic.

    Parameters
    ----------
    url : str
        ``mqtt://user:password@host:1883/topic``, or ``mqtts`` for TLS.
    timeout : float
        As `TIMEOUT_S`.

    Raises
    ------
    ValueError
        When it is no such URL, or paho-mqtt is not installed.
    """

    def __init__(self, url: str, timeout: float = TIMEOUT_S):
        try:
            parts = urlsplit(url.strip())
            self._host, port = parts.hostname, parts.port
            url.encode()
        except ValueError:
            # What cannot be read may be a password, so it is not repeated.
            raise ValueError(
                "--mqtt is no URL: its host or port cannot be read, or it is no UTF-8; in a password write / as %2F."
            ) from None
        self._topic = unquote(parts.path.lstrip("/"))
        wrong = parts.scheme not in ("mqtt", "mqtts") or not self._host or parts.query or parts.fragment
        if wrong or not self._topic or any(letter in self._topic for letter in "+#\0"):
            raise ValueError("--mqtt must be like mqtt://host/topic, and a topic has no + or #.")
        try:
            import paho.mqtt.client  # noqa: F401
        except ImportError as error:
            raise ValueError("--mqtt needs paho-mqtt: pip install 'nearlabel[mqtt]'.") from error
        self._tls = parts.scheme == "mqtts"
        self._port = port or (8883 if self._tls else 1883)
        self._user = unquote(parts.username) if parts.username else None
        # A file of a secret often ends with a line end.
        password = os.environ.get(PASSWORD, "").rstrip("\r\n")
        self._password = password or (unquote(parts.password) if parts.password else None)
        self.name = f"MQTT {self._host}:{self._port}/{self._topic}"
        self.key = key_of("mqtt", f"{parts.scheme}://{self._host}:{self._port}/{self._topic}")
        self._timeout = timeout
        self._client: Any = None

    def begin(self, cursor: Cursor | None, newest: Cursor, ours: Callable[[dict[str, Any]], bool]) -> Cursor:
        """Go on where it ended; a new one begins with what comes from now on."""
        return cursor or newest

    def send(self, messages: Sequence[dict[str, Any]]) -> int:
        """Publish messages; return how many of them, from the first, the broker has said that it has taken."""
        taken = 0
        try:
            client, began = self._connected(), time.monotonic()
            while taken < len(messages) and (not taken or time.monotonic() - began < REPORT_S):
                published = [
                    client.publish(self._topic, json.dumps(message, ensure_ascii=False, allow_nan=False), qos=1)
                    for message in messages[taken : taken + _ON_THE_WAY]
                ]
                for one in published:
                    self._wait(client, one)
                    taken += 1
        except Exception as error:
            # What waits within the client would be sent as well as what is sent again, and grow.
            self.close()
            if taken:
                return taken
            if isinstance(error, OSError):
                raise
            # As paho says of a message whose connection has ended meanwhile.
            raise ConnectionError(f"the broker is gone ({error})") from error
        return taken

    def _wait(self, client: Any, published: Any) -> None:
        deadline = time.monotonic() + self._timeout
        while not published.is_published():
            if not client.is_connected():
                raise ConnectionError("the broker is gone")
            if time.monotonic() > deadline:
                raise TimeoutError("the broker does not take what is published")
            published.wait_for_publish(_LOOK_S)

    def close(self) -> None:
        """Leave the broker."""
        client, self._client = self._client, None
        if client is not None:
            client.disconnect()
            client.loop_stop()

    def _connected(self) -> Any:
        if self._client is not None and self._client.is_connected():
            return self._client
        self.close()
        from paho.mqtt import client as mqtt

        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, reconnect_on_failure=False)
        client.connect_timeout = self._timeout
        if self._user is not None:
            client.username_pw_set(self._user, self._password)
        if self._tls:
            client.tls_set()
        answered, reasons = threading.Event(), []

        def on_connect(client, data, flags, reason, properties):
            reasons.append(reason)
            answered.set()

        client.on_connect = on_connect
        client.connect(self._host, self._port, keepalive=30)
        self._client = client
        client.loop_start()
        if not answered.wait(self._timeout):
            raise TimeoutError("the broker does not answer")
        if reasons[0].is_failure:
            raise ConnectionError(f"the broker refuses: {reasons[0]}")
        return client
