"""A camera made with GStreamer's RTSP server on 127.0.0.1, for tests of transports: argv = tcp|udp|both, a PEM file or "-", LAUNCH, [srtp].

The first word is what it offers; with a PEM file it speaks RTSPS, with the last word its media are encrypted. The path is /test; RTSP over HTTP is on the same port.
Prints its port, ends with its stdin, or by itself after 100 s.
"""
import sys
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gio, GLib, Gst, GstRtsp, GstRtspServer

Gst.init(None)
offers, pem, launch = sys.argv[1:4]
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service("0")
if pem != "-":
    auth = GstRtspServer.RTSPAuth()
    auth.set_tls_certificate(Gio.TlsCertificate.new_from_file(pem))
    token = GstRtspServer.RTSPToken()
    token.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, "anybody")
    auth.set_default_token(token)
    server.set_auth(auth)
factory = GstRtspServer.RTSPMediaFactory()
if pem != "-":
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role("anybody", "media.factory.access", True)
    permissions.add_permission_for_role("anybody", "media.factory.construct", True)
    factory.set_permissions(permissions)
lower = {
    "tcp": GstRtsp.RTSPLowerTrans.TCP,
    "udp": GstRtsp.RTSPLowerTrans.UDP,
}
factory.set_protocols(lower.get(offers, lower["tcp"] | lower["udp"]))
is_encrypted = sys.argv[4:] == ["srtp"]
if is_encrypted:
    factory.set_profiles(GstRtsp.RTSPProfile.SAVP)
factory.set_launch(f"( {launch} )")
# Each client of encrypted media has keys of its own.
factory.set_shared(not is_encrypted)
server.get_mount_points().add_factory("/test", factory)
server.attach(None)
print(server.get_bound_port(), flush=True)
loop = GLib.MainLoop()
threading.Thread(target=lambda: (sys.stdin.read(), loop.quit()), daemon=True).start()
GLib.timeout_add_seconds(100, loop.quit)
loop.run()
