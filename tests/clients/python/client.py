"""A puppet: does what it reads, a JSON object a line, and says what it hears in the same way.

It is nothing but PyPI's python-socketio; the tests pull the strings.
"""

import json
import sys
import threading
from urllib.parse import urlencode

import socketio

lock = threading.Lock()
client = socketio.Client(reconnection_delay=0.05, reconnection_delay_max=0.2)


def say(**what):
    with lock:
        print(json.dumps(what), flush=True)


def listen(namespace):
    @client.on("connect", namespace=namespace)
    def on_connect():
        say(on="connect", namespace=namespace, transport=client.transport())

    @client.on("connect_error", namespace=namespace)
    def on_connect_error(data):
        message = data.get("message") if isinstance(data, dict) else data
        say(on="connect_error", namespace=namespace, data=message)

    @client.on("disconnect", namespace=namespace)
    def on_disconnect(reason):
        say(on="disconnect", namespace=namespace, data=reason)

    @client.on("*", namespace=namespace)
    def on_any(event, data=None):
        say(on=event, namespace=namespace, data=data)


def connect(order):
    query = order.get("query") or {}
    url = order["url"] + ("?" + urlencode(query) if query else "")
    listen(order["namespace"])
    try:
        client.connect(
            url,
            transports=order["transports"],
            auth=order.get("auth"),
            headers=order.get("headers") or {},
            namespaces=[order["namespace"]],
            wait=False,
        )
    except socketio.exceptions.ConnectionError as error:
        say(on="unreachable", data=str(error))


def emit(order):
    data = bytes(order["binary"]) if order.get("binary") else order.get("data")
    client.emit(
        order["event"],
        data,
        namespace=order["namespace"],
        callback=lambda answer=None: say(on="ack", id=order["id"], data=answer),
    )


say(on="ready")
for line in sys.stdin:
    order = json.loads(line)
    if order["do"] == "connect":
        connect(order)
    elif order["do"] == "emit":
        emit(order)
    elif order["do"] == "disconnect":
        client.disconnect()
