"""MQTT packets as bytes, written from the standard and not with a library, so that tests
compare exact bytes and can also write what no library would."""

V31, V311, V5 = 3, 4, 5
VERSIONS = (V31, V311, V5)
VERSION_NAMES = {V31: "3.1", V311: "3.1.1", V5: "5.0"}

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBSCRIBE, SUBACK = range(1, 10)
UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT, AUTH = range(10, 16)

PING = b"\xc0\x00"
PONG = b"\xd0\x00"


def variable(number):
    """A variable byte integer in its shortest form."""
    out = bytearray()
    while True:
        number, digit = divmod(number, 128)
        out.append(digit | (0x80 if number else 0))
        if not number:
            return bytes(out)


def as_bytes(value):
    return value.encode() if isinstance(value, str) else bytes(value)


def text(value):
    """A string or binary field: two length bytes and the content."""
    data = as_bytes(value)
    return len(data).to_bytes(2, "big") + data


def packet(kind, body=b"", flags=0):
    return bytes([kind << 4 | flags]) + variable(len(body)) + body


def properties(version, content=b""):
    return variable(len(content)) + content if version == V5 else b""


def user_property(name, value):
    return b"\x26" + text(name) + text(value)


class Will:
    def __init__(self, topic, payload, qos=0, retain=False, properties=b""):
        self.topic = topic
        self.payload = payload
        self.qos = qos
        self.retain = retain
        self.properties = properties


def connect(version=V311, client_id="c", username=None, password=None, keep_alive=60,
            clean=True, will=None, props=b""):
    """A CONNECT. Fields that are None are absent together with their flag."""
    flags = 0x02 if clean else 0
    payload = text(client_id)
    if will:
        flags |= 0x04 | will.qos << 3 | (0x20 if will.retain else 0)
        payload += properties(version, will.properties) + text(will.topic) + text(will.payload)
    if username is not None:
        flags |= 0x80
        payload += text(username)
    if password is not None:
        flags |= 0x40
        payload += text(password)
    name = b"MQIsdp" if version == V31 else b"MQTT"
    head = text(name) + bytes([version, flags]) + keep_alive.to_bytes(2, "big")
    return packet(CONNECT, head + properties(version, props) + payload)


def connect_version(data):
    """The protocol level of a CONNECT."""
    at = 1
    while data[at] & 0x80:
        at += 1
    name_size = int.from_bytes(data[at + 1:at + 3], "big")
    return data[at + 3 + name_size]


def connack(version, code=0, session_present=False):
    """The CONNACK in its shortest form, as a broker or Moat sends it."""
    return packet(CONNACK, bytes([session_present, code]) + properties(version))


def publish(version, topic, payload, qos=0, retain=False, duplicate=False, identifier=1, props=b""):
    body = text(topic)
    if qos:
        body += identifier.to_bytes(2, "big")
    body += properties(version, props) + as_bytes(payload)
    return packet(PUBLISH, body, flags=(8 if duplicate else 0) | qos << 1 | bool(retain))


def subscribe(version, topic, qos=0, identifier=1):
    return packet(SUBSCRIBE, identifier.to_bytes(2, "big") + properties(version) + text(topic)
                  + bytes([qos]), flags=2)


def suback(version, qos=0, identifier=1):
    return packet(SUBACK, identifier.to_bytes(2, "big") + properties(version) + bytes([qos]))


def puback(identifier=1):
    return packet(PUBACK, identifier.to_bytes(2, "big"))


def disconnect(version=V311, code=None):
    """The ordinary DISCONNECT, or the short form of 5.0 with a reason code."""
    if code is None:
        return packet(DISCONNECT)
    assert version == V5
    return packet(DISCONNECT, bytes([code]))


def split_packet(data):
    """The first whole packet in `data` and the rest, or (None, data)."""
    size, shift = 0, 0
    for at in range(1, min(len(data), 5)):
        size |= (data[at] & 0x7F) << shift
        shift += 7
        if not data[at] & 0x80:
            end = at + 1 + size
            if len(data) < end:
                break
            return bytes(data[:end]), bytes(data[end:])
    return None, bytes(data)
