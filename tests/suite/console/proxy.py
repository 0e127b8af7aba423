"""A small reverse proxy: https in front of the console, as an administrator's own would be.

    proxy.py CERTIFICATE KEY CONSOLE_PORT

It passes on Host, appends the client to X-Forwarded-For, and prints its port.
"""

import http.client
import http.server
import ssl
import sys

CERTIFICATE, KEY, CONSOLE = sys.argv[1], sys.argv[2], int(sys.argv[3])


class Proxy(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def pass_on(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
        before = headers.get("X-Forwarded-For", "")
        headers["X-Forwarded-For"] = ", ".join(filter(None, [before, self.client_address[0]]))
        console = http.client.HTTPConnection("127.0.0.1", CONSOLE, timeout=30)
        console.request(self.command, self.path, body, headers)
        answer = console.getresponse()
        content = answer.read()
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = pass_on

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(CERTIFICATE, KEY)
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
