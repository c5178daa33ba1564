"""A camera with a loudspeaker, made with GStreamer's RTSP server on 127.0.0.1: argv = the file that what is heard is written to.

What comes is µ-law, and is written as 16-bit samples. The path is /test. Prints its port, ends with its stdin, or after 60 s.
"""
import sys
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer

Gst.init(None)
server = GstRtspServer.RTSPOnvifServer()
server.set_address("127.0.0.1")
server.set_service("0")
factory = GstRtspServer.RTSPOnvifMediaFactory()
factory.set_launch(
    "( videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=180,framerate=25/1 "
    "! x264enc key-int-max=25 tune=zerolatency speed-preset=ultrafast bitrate=300 ! rtph264pay name=pay0 pt=96 config-interval=-1 )"
)
factory.set_backchannel_launch(
    '( capsfilter caps="application/x-rtp, media=audio, payload=0, clock-rate=8000, encoding-name=PCMU" name=depay_backchannel '
    f"! rtppcmudepay ! mulawdec ! audio/x-raw,format=S16LE ! filesink async=false sync=false buffer-mode=unbuffered location={sys.argv[1]} )"
)
factory.set_shared(False)
factory.set_media_gtype(GstRtspServer.RTSPOnvifMedia.__gtype__)
server.get_mount_points().add_factory("/test", factory)
server.attach(None)
print(server.get_bound_port(), flush=True)
loop = GLib.MainLoop()
threading.Thread(target=lambda: (sys.stdin.read(), loop.quit()), daemon=True).start()
GLib.timeout_add_seconds(60, loop.quit)
loop.run()
