"""Seals packets with GStreamer's srtpenc, that is libsrtp, and prints them as JSON: python3 libsrtp.py > libsrtp.json

Each case has the master key with its salt, the packets as they were, and the packets as they are sent. Sequence numbers
roll over in the middle.
"""
import json
import struct

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import Gst, GstApp

Gst.init(None)
SSRC = 0xCAFEBABE
CASES = [
    # suite, cipher, RTP authentication, RTCP authentication, bytes of key and salt, key identifier
    ("AES_CM_128_HMAC_SHA1_80", "aes-128-icm", "hmac-sha1-80", "hmac-sha1-80", 30, b""),
    ("AES_CM_128_HMAC_SHA1_32", "aes-128-icm", "hmac-sha1-32", "hmac-sha1-80", 30, b""),
    ("AES_CM_128_HMAC_SHA1_32", "aes-128-icm", "hmac-sha1-32", "hmac-sha1-32", 30, b""),
    ("AES_256_CM_HMAC_SHA1_80", "aes-256-icm", "hmac-sha1-80", "hmac-sha1-80", 46, b"\0\0\0\x2f"),
    ("AES_256_CM_HMAC_SHA1_32", "aes-256-icm", "hmac-sha1-32", "hmac-sha1-80", 46, b""),
    ("AEAD_AES_128_GCM", "aes-128-gcm", "null", "null", 28, b""),
    ("AEAD_AES_128_GCM", "aes-128-gcm", "null", "null", 28, b"\0\0\0\x2f"),
    ("AEAD_AES_256_GCM", "aes-256-gcm", "null", "null", 44, b""),
]


def rtp_packets():
    for i, sequence in enumerate([65534, 65535, 0, 1]):
        # The third has a contributing source and a header extension.
        head = struct.pack(">BBHII", 0x91 if i == 2 else 0x80, 96 | (0x80 if i == 3 else 0), sequence, i * 3600, SSRC)
        more = struct.pack(">IHHI", 0x01020304, 0xBEDE, 1, 0x10AA0000) if i == 2 else b""
        yield head + more + bytes(range(i, i + 5 + 16 * i))


def rtcp_packets():
    for i in range(2):
        report = struct.pack(">BBHIIIIII", 0x80, 200, 6, SSRC, 0xE0000000 + i, 0x80000000, i * 3600, i, i * 100)
        name = struct.pack(">BBHI", 0x81, 202, 3, SSRC) + b"\x01\x04test\0\0"
        yield report + name


def seal(case):
    suite, cipher, rtp_auth, rtcp_auth, key_bytes, mki = case
    settings = f"rtp-cipher={cipher} rtcp-cipher={cipher} rtp-auth={rtp_auth} rtcp-auth={rtcp_auth}"
    key = bytes(range(1, key_bytes + 1))
    settings += f" key={key.hex()}" + (f" mki={mki.hex()}" if mki else "")
    pipeline = Gst.parse_launch(
        f"srtpenc name=seal {settings} "
        "appsrc name=rtp caps=application/x-rtp,ssrc=(uint)3405691582 format=time ! seal.rtp_sink_0 "
        "appsrc name=rtcp caps=application/x-rtcp format=time ! seal.rtcp_sink_0 "
        "seal.rtp_src_0 ! appsink name=srtp sync=false async=false "
        "seal.rtcp_src_0 ! appsink name=srtcp sync=false async=false"
    )
    pipeline.set_state(Gst.State.PLAYING)
    sealed = {}
    for kind, packets in (("rtp", list(rtp_packets())), ("rtcp", list(rtcp_packets()))):
        source, sink = pipeline.get_by_name(kind), pipeline.get_by_name("s" + kind)
        sealed[kind] = []
        for packet in packets:
            source.push_buffer(Gst.Buffer.new_wrapped(packet))
            sample = sink.try_pull_sample(5 * Gst.SECOND)
            buffer = sample.get_buffer()
            sent = buffer.extract_dup(0, buffer.get_size())
            sealed[kind].append({"plain": packet.hex(), "sealed": sent.hex()})
    pipeline.set_state(Gst.State.NULL)
    tag_bytes = [16 if "GCM" in suite else 4 if auth.endswith("32") else 10 for auth in (rtp_auth, rtcp_auth)]
    names = {"suite": suite, "rtpTagBytes": tag_bytes[0], "rtcpTagBytes": tag_bytes[1]}
    return {**names, "key": key.hex(), "mki": mki.hex(), **sealed}


print(json.dumps([seal(case) for case in CASES], indent=2))
