"""A GStreamer RTSP server on 127.0.0.1 for tests: argv = basic|digest|none. Prints its port, ends with its stdin."""
import sys
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer

Gst.init(None)
mode = sys.argv[1]
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service("0")
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch(
    "( videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=180,framerate=25/1 "
    "! x264enc key-int-max=25 tune=zerolatency bitrate=300 ! rtph264pay name=pay0 pt=96 config-interval=1 "
    "audiotestsrc is-live=true ! audio/x-raw,rate=8000 ! alawenc ! rtppcmapay name=pay1 pt=8 )"
)
factory.set_shared(True)
if mode != "none":
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, "user")
    method = GstRtsp.RTSPAuthMethod.BASIC if mode == "basic" else GstRtsp.RTSPAuthMethod.DIGEST
    auth.set_supported_methods(method)
    if mode == "basic":
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic("admin", "p@ss:#1"), token)
    else:
        auth.add_digest("admin", "p@ss:#1", token)
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role("user", "media.factory.access", True)
    permissions.add_permission_for_role("user", "media.factory.construct", True)
    factory.set_permissions(permissions)
server.get_mount_points().add_factory("/test", factory)
server.attach(None)
print(server.get_bound_port(), flush=True)
loop = GLib.MainLoop()
threading.Thread(target=lambda: (sys.stdin.read(), loop.quit()), daemon=True).start()
GLib.timeout_add_seconds(50, loop.quit)
loop.run()
